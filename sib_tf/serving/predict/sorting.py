"""Files in folders of their predicted classes."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sib_tf.base.atomic import written_whole
from sib_tf.base.errors import UserError, first_line


def refuse_existing(folder: Path) -> None:
    """Raises UserError if the folder to sort into is there already."""
    if folder.exists():
        raise UserError(
            f"{folder}: exists, and nothing in it shall be overwritten; name a new folder by "
            "--sort_into"
        )


def sort_into(folder: Path, files: Mapping[str, Sequence[Path]], *, link: bool) -> None:
    """Puts files into a new folder with one folder per class, which is there whole or not at all.

    Args:
        folder: folder to make.
        files: files of one folder, by class name.
        link: whether to make hard links, which take no room, instead of copies.

    Raises:
        UserError: if the folder exists, another process writes it, or it cannot be written.
    """
    refuse_existing(folder)
    put = os.link if link else shutil.copy2
    try:
        with written_whole(folder) as part:
            for name, members in files.items():
                (part / name).mkdir()
                for file in members:
                    # Resolved, for a hard link to a symbolic one need not lead anywhere.
                    put(file.resolve(), part / name / file.name)
    except OSError as error:
        remedy = "leave out --link to copy" if link else "make room or fix the permissions"
        raise UserError(
            f"{folder}: cannot be written ({error.strerror or first_line(error)}); {remedy}, or "
            "name another --sort_into"
        ) from error
