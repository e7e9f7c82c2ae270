"""An image file as the model and as people see it."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from sib_tf.datasets.images import read_rgb

_THUMBNAIL = 120  # pixels of its longer side, at most
_QUALITY = 70
_TURNED = (5, 6, 7, 8)  # EXIF orientations by which width and height change places


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
    return Photograph(read_rgb(path, size), _thumbnail(path))


def _thumbnail(path: Path) -> bytes:
    # Read once more, because the pixels for the model are cropped.
    rgb = read_rgb(path, _thumbnail_size(path))
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, format="JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue()


def _thumbnail_size(path: Path) -> tuple[int, int]:
    """Height and width of the thumbnail of an image file that is known to be readable."""
    with Image.open(path) as image:
        width, height = image.size
        if image.getexif().get(ExifTags.Base.Orientation) in _TURNED:
            width, height = height, width
    scale = min(1.0, _THUMBNAIL / max(width, height))
    return max(1, round(scale * height)), max(1, round(scale * width))
