"""What a user can mend among the errors that engines raise.

Beam re-raises a UserError with the name of the transform appended, others, and those of another
process, as a RuntimeError whose text is the name of the error or a traceback.
"""

import re

from sib_tf.base.errors import UserError

# What a user can mend: bad input, a full disk, a missing permission.
_OF_THE_SYSTEM = "ResourceExhaustedError|PermissionDeniedError|OSError|PermissionError"
_RAISED_IN_WORKER = re.compile(
    rf"^(?:RuntimeError: )?[\w.]*\b(UserError|{_OF_THE_SYSTEM}): (.+) \[while running '",
    re.MULTILINE,
)
_RAISED_HERE = re.compile(r"^()(.+) \[while running '", re.MULTILINE)

# What engines say of workers that they have lost or never had: Prism, Dask.
_DIED = re.compile("SDK worker disconnected|all those workers died")
_ADVICE = {
    _DIED: "A worker has died while it worked: its own log says why, memory may be short. Then run "
    "the same command again.",
}


def mendable(error: Exception) -> UserError | OSError | None:
    """The error in one line: a UserError; an OSError where a disk was full or a permission missing.

    Args:
        error: what a pipeline has raised.

    Returns:
        None if it is none that a user can mend.
    """
    pattern = _RAISED_HERE if isinstance(error, UserError) else _RAISED_IN_WORKER
    if raised := pattern.search(str(error)):
        name, message = raised.groups()
        return (OSError if name in _OF_THE_SYSTEM.split("|") else UserError)(message)
    advice = (advice for said, advice in _ADVICE.items() if said.search(str(error)))
    return next(map(UserError, advice), None)
