"""The one exception that a user, not a developer, is meant to read."""


class UserError(Exception):
    """Bad input: one line that names the culprit (file, field or flag) and the remedy.

    Jobs print it without a traceback and exit with code 1.
    """
