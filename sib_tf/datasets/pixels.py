"""Pixels of an image file of any mode, as RGB and upright."""

from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image

from sib_tf.datasets.image_formats import open_image

# A large JPEG is decoded at a half, a quarter or an eighth of its size where that leaves at least
# so many pixels for each of the result: resizing them is then as good as resizing all.
_DETAIL = 3

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(file: BinaryIO, size: tuple[int, int] | None) -> Image.Image:
    """Decodes an image as RGB, upright as its EXIF orientation says.

    Args:
        file: the encoded image.
        size: height and width that it will be resized to; a JPEG that is far larger is decoded at
            a fraction of its size.

    Raises:
        DECODING_ERRORS: if it is no image, damaged, or of a pixel type without a fixed range.
    """
    with open_image(file) as image:
        if size is not None:
            side = _DETAIL * max(size)  # of a square, for it may be turned yet
            image.draft(None, (side, side))
        return upright_rgb(image)


def upright_rgb(image: Image.Image) -> Image.Image:
    """An open image as RGB, upright as its EXIF orientation says.

    Raises:
        DECODING_ERRORS: as `decode`.
    """
    image.load()
    return _to_rgb(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as EXIF says, if EXIF can be read."""
    # Not by ImageOps.exif_transpose, which also writes EXIF anew, and fails where it is damaged.
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # of all kinds
        return image
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("floating point pixels have no fixed range")
    if image.mode.startswith("I"):
        image = _to_8_bits(image)
    if image.has_transparency_data:
        return _on_white(image)
    return image.convert("RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    # Pillow's own conversion saturates at 255 instead of scaling, which turns 16-bit images white.
    pixels = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
    return Image.fromarray(((pixels + 128) // 257).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
