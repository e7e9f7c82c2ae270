"""Folders on a disk, or in an object store that TensorFlow and Beam know by its URL, as gs://.

A disk has a lock for each folder and renames a whole folder at once, an object store neither.
"""

import os
import shutil
from pathlib import Path

import tensorflow as tf
from etils import epath

from sib_tf.base.errors import UserError
from sib_tf.base.file_names import legible


def path(name: str | os.PathLike) -> Path:
    """The path of a name that TensorFlow can use, on a disk or in an object store.

    Returns:
        `epath.Path`, which is used in the same way as a plain path, in an object store.

    Raises:
        UserError: if TensorFlow or epath does not know the object store, the name in full is not
            UTF-8, or in the cases of `local`.
    """
    if not is_remote(name):
        return _refuse_bytes(local(name))
    scheme = os.fspath(name).partition("://")[0]
    try:
        if scheme in tf.io.gfile.get_registered_schemes():
            return epath.Path(name)
    except KeyError:  # unknown to epath
        pass
    raise UserError(f"{name}: no file system {scheme}:// is known, name a folder or gs://.")


def local(name: str | os.PathLike) -> Path:
    """The path of a name on a disk, where `~` is the home of the user.

    Raises:
        UserError: if the name is one of an object store, or begins with the home of nobody.
    """
    if is_remote(name):
        raise UserError(f"{name}: is in an object store; name a folder or file on a disk.")
    try:
        return Path(name).expanduser()
    except RuntimeError:
        home = Path(name).parts[0]
        raise UserError(f"{name}: there is no home {home}; name the folder in full.") from None


def _refuse_bytes(folder: Path) -> Path:
    if legible(full := str(folder.absolute())) != full:
        raise UserError(f"{full}: is no UTF-8, which TensorFlow needs; name another folder.")
    return folder


def is_remote(name: str | os.PathLike) -> bool:
    """Whether a name is one of an object store."""
    return "://" in os.fspath(name)


def absolute(name: str | os.PathLike) -> Path:
    """A path that means the same wherever a worker stands."""
    return path(name) if is_remote(name) else local(name).resolve()


def remove(folder: Path) -> None:
    """Removes a folder with all it holds."""
    if is_remote(folder):
        folder.rmtree()
    else:
        shutil.rmtree(folder)
