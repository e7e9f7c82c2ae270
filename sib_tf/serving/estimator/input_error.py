"""Bad input to a call, for which scikit-learn and those who use it expect a ValueError."""

from collections.abc import Iterator
from contextlib import contextmanager

from sib_tf.base.errors import UserError


class InputError(UserError, ValueError):
    """Bad input to a call: one line that names the argument or file and the remedy."""


@contextmanager
def input_errors() -> Iterator[None]:
    """Turns a UserError into an InputError; also a decorator."""
    try:
        yield
    except UserError as error:
        raise InputError(str(error)) from error
