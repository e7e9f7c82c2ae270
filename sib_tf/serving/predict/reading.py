"""What is kept of the image files of a folder: something for the model, and a thumbnail to show."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import logging

from sib_tf.datasets.images import UnreadableImageError
from sib_tf.serving.image_files import batches_read
from sib_tf.serving.predict import photograph
from sib_tf.serving.predict.photograph import Photograph


class Images(NamedTuple):
    """What is kept of the image files of a folder.

    Attributes:
        readable: whether each file could be read, bool [files].
        kept: what the model keeps of each readable one, [n, ...].
        thumbnails: small JPEG files of the readable ones.
    """

    readable: np.ndarray
    kept: np.ndarray
    thumbnails: list[bytes]


def read_images(
    files: Sequence[Path],
    size: tuple[int, int],
    keep: Callable[[np.ndarray], np.ndarray],
    what: str,
) -> Images:
    """Reads image files, in the memory of a few of them.

    Those that cannot be read are skipped with a warning, after the last.

    Args:
        files: image files.
        size: height and width of the images that the model takes, in pixels.
        keep: callable from images, uint8 [B, H, W, 3], to what is kept of each, [B, ...].
        what: what the files are, in front of the progress bar.
    """
    kept, found = [], []
    for batch in batches_read(files, partial(photograph.read, size=size), what):
        photographs = [result for result in batch if isinstance(result, Photograph)]
        if photographs:
            kept.append(keep(np.stack([image.pixels for image in photographs])))
        found += [r.thumbnail if isinstance(r, Photograph) else r for r in batch]
    errors = [error for error in found if isinstance(error, UnreadableImageError)]
    for error in errors:
        logging.warning("Skipped: %s", error)
    return Images(
        readable=np.array([not isinstance(result, UnreadableImageError) for result in found], bool),
        kept=np.concatenate(kept or [np.empty(0)]),
        thumbnails=[result for result in found if not isinstance(result, UnreadableImageError)],
    )
