"""One writer at a time for a folder, also among processes."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sib_tf.base.errors import UserError
from sib_tf.base.storage import is_remote


@contextlib.contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing a folder for as long as the block runs.

    Holds a lock on `.FOLDER.lock` beside the folder. The system releases it when the process ends,
    however it ends; a file that a killed process has left locks nothing. An object store has no
    locks: there the user sees to it.

    Args:
        folder: folder that is written; need not exist.

    Raises:
        UserError: if another process is writing it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if is_remote(folder):
        yield
        return
    path = folder.with_name(f".{folder.name}.lock")
    with path.open("w") as file:
        if not _lock(file.fileno(), path):
            raise UserError(
                f"Another process is writing {folder}: wait for it, then run the same command "
                "again."
            )
        try:
            yield
        finally:
            path.unlink()


def _lock(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The last holder may have unlinked the file between our opening and our locking it.
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
