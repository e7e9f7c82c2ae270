"""Folders on a disk, or in an object store that TensorFlow and Beam know by its URL, as gs://.

A disk has a lock for each folder and renames a whole folder at once, an object store neither.
"""

import os
import shutil
from pathlib import Path

import tensorflow as tf
from etils import epath

from sib_tf.base.errors import UserError


def path(name: str | os.PathLike) -> Path:
    """The path of a name; `epath.Path`, which is used in the same way, in an object store.

    Raises:
        UserError: if TensorFlow or epath does not know the object store.
    """
    if not is_remote(name):
        return Path(name)
    scheme = os.fspath(name).partition("://")[0]
    try:
        if scheme in tf.io.gfile.get_registered_schemes():
            return epath.Path(name)
    except KeyError:  # unknown to epath
        pass
    raise UserError(f"{name}: no file system {scheme}:// is known, name a folder or gs://.")


def is_remote(name: str | os.PathLike) -> bool:
    """Whether a name is one of an object store."""
    return "://" in os.fspath(name)


def absolute(name: str | os.PathLike) -> Path:
    """A path that means the same wherever a worker stands."""
    return path(name) if is_remote(name) else Path(name).resolve()


def remove(folder: Path) -> None:
    """Removes a folder with all it holds."""
    if is_remote(folder):
        folder.rmtree()
    else:
        shutil.rmtree(folder)
