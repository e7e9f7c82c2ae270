"""The one exception that a user, not a developer, is meant to read, and what others say."""

from sib_tf.base.file_names import legible


class UserError(Exception):
    """Bad input: one line that names the culprit (file, field or flag) and the remedy.

    Jobs print it without a traceback and exit with code 1. It may name files of any name.
    """

    def __init__(self, message: str) -> None:
        super().__init__(legible(message))


def lines(error: BaseException) -> list[str]:
    """What an error says, without blank lines; the name of its type if it says nothing."""
    name = type(error).__name__
    # The text of a KeyError is quoted. ml_collections wraps one in an AttributeError.
    while isinstance(error, AttributeError | KeyError) and error.args:
        error = error.args[0]
    return [line.strip() for line in str(error).splitlines() if line.strip()] or [name]


def first_line(error: BaseException) -> str:
    """The first line of what an error says."""
    return lines(error)[0]
