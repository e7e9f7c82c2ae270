"""Files and folders that are there whole or not at all: written beside, then renamed."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sib_tf.base.errors import UserError
from sib_tf.base.sole_writer import sole_writer
from sib_tf.base.storage import is_remote

PARTIAL = ".partial-"  # what the names of files begin with that a killed process has left


def part_of(folder: Path) -> Path:
    """Where a folder is written until it is finished: beside it, in an object store in place."""
    return folder if is_remote(folder) else folder.with_name(folder.name + ".part")


@contextlib.contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A folder to write, which is renamed to `folder` if the block exits without an exception.

    After an exception nothing is left behind.

    Args:
        folder: final name; must not exist.

    Raises:
        UserError: if `folder` exists, or another process is writing it.
    """
    if folder.exists():
        raise UserError(f"{folder} exists: delete it first or pass another --output.")
    part = part_of(folder)
    with sole_writer(folder):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            yield part
        except BaseException:
            shutil.rmtree(part)
            raise
        part.rename(folder)


@contextlib.contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """A file to write, which is renamed to `path` if the block exits without an exception.

    After an exception the content of `path` is what it was, and nothing is left beside it.

    Args:
        path: final name; a file that has it is replaced as a whole.
    """
    # The process id, because two processes can write the same file; the suffix last, because
    # libraries derive the format from it.
    beside = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    try:
        yield beside
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Any) -> None:
    """Writes JSON, so that `path` is never half-written."""
    with written_file(path) as file:
        file.write_text(json.dumps(content, indent=2) + "\n")
