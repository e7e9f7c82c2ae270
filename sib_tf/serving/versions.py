"""Numbered versions of a model in one folder, as a model server polls it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from sib_tf.base.errors import UserError, first_line
from sib_tf.base.sole_writer import sole_writer

_PART = ".part"  # after a number, so that a server does not take the folder for a version


def newest(folder: Path) -> Path:
    """The version of the highest number in a folder; the folder itself if it is a SavedModel.

    Raises:
        UserError: if the folder is missing, or is neither.
    """
    if (folder / "saved_model.pb").is_file():
        return folder
    if not folder.is_dir():
        raise UserError(f"{folder}: no such model folder; check the path")
    versions = _versions(folder)
    if not versions:
        raise UserError(
            f"{folder}: holds neither a SavedModel nor numbered versions of one; "
            "name the folder of an exported model"
        )
    return max(versions, key=_number)


@contextmanager
def loading(version: Path) -> Iterator[None]:
    """A block that loads a version.

    Raises:
        UserError: if it holds no SavedModel, or one of other signatures.
    """
    try:
        yield
    except (KeyError, OSError, TypeError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"{version}: cannot be loaded as an exported model ({first_line(error)}); "
            "export it anew"
        ) from error


def publish(model: Path, folder: Path) -> Path:
    """Copies a SavedModel into a folder of versions, as the next one.

    It is copied beside and renamed, so that a server which looks at the folder meanwhile never
    finds a part of it.

    Args:
        model: folder of a SavedModel.
        folder: folder of the versions; made if missing.

    Returns:
        The new version, `folder`/N.

    Raises:
        UserError: if another process publishes there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with sole_writer(folder / "versions"):
        number = max((_number(version) for version in _versions(folder)), default=0) + 1
        for part in folder.glob(f"*{_PART}"):  # of a process that was killed
            shutil.rmtree(part)
        part = folder / f"{number}{_PART}"
        shutil.copytree(model, part)
        return part.rename(folder / str(number))


def _versions(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and path.name.isdecimal()]


def _number(version: Path) -> int:
    return int(version.name)
