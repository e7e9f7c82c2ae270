"""An image file as the model and as people see it."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sib_tf.datasets.images import read_with_thumbnail

_THUMBNAIL = 120  # pixels of its longer side, at most
_QUALITY = 70


class Photograph(NamedTuple):
    """An image file that could be read.

    Attributes:
        pixels: what the model sees, uint8 [H, W, 3].
        thumbnail: all of the image, upright and small, a JPEG file.
    """

    pixels: np.ndarray
    thumbnail: bytes


def read(path: Path, size: tuple[int, int]) -> Photograph:
    """Reads an image file.

    Args:
        path: image file.
        size: height and width of `pixels`.

    Raises:
        UserError: if it cannot be read as an image.
    """
    pixels, thumbnail = read_with_thumbnail(path, size, _THUMBNAIL)
    stream = io.BytesIO()
    Image.fromarray(thumbnail).save(stream, format="JPEG", quality=_QUALITY, optimize=True)
    return Photograph(pixels, stream.getvalue())
