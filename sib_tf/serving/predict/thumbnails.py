"""The folder of small images beside a page.

A browser takes far longer to open a page of thousands of images if they are in it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from sib_tf.base.atomic import written_file

FOLDER = "thumbnails"


def name(jpeg: bytes) -> str:
    """The name of a thumbnail beside the page.

    It is made of the content, so that the page of an earlier run in the same folder stays right
    while the thumbnails of the next are written.
    """
    return f"{FOLDER}/{hashlib.sha256(jpeg).hexdigest()[:16]}.jpg"


def write(output: Path, thumbnails: Iterable[bytes]) -> None:
    """Writes thumbnails that are not there yet.

    Args:
        output: folder of the page.
        thumbnails: JPEG files.
    """
    (output / FOLDER).mkdir(exist_ok=True)
    for jpeg in thumbnails:
        file = output / name(jpeg)
        if not file.exists():
            with written_file(file) as beside:
                beside.write_bytes(jpeg)


def remove_others(output: Path, thumbnails: Iterable[bytes]) -> None:
    """Removes what earlier runs have left, once no page names it."""
    kept = {output / name(jpeg) for jpeg in thumbnails}
    for file in (output / FOLDER).iterdir():
        if file not in kept:
            file.unlink()
