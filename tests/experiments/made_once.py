"""Folders from which several test files start, made once in a run of pytest."""

import fcntl
import os


def made_once(tmp_path_factory, name, make):
    """A folder that the first caller makes, whichever process of pytest-xdist that is.

    Args:
        tmp_path_factory: pytest's fixture.
        name: name of the folder; the same folder has the same name everywhere.
        make: callable that fills an empty folder.
    """
    own = tmp_path_factory.getbasetemp()
    # The processes of pytest-xdist have folders beside each other.
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (common / name).exists():
            part = tmp_path_factory.mktemp(name)
            make(part)
            part.rename(common / name)
    return common / name
