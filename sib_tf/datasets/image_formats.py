"""What is an image: a file that Pillow, or the plugin for HEIC, knows by its first bytes."""

import functools
import struct
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

# How images are mostly called. Files of such a name are not opened before they are read, so that
# listing many is fast, and a damaged one is no stranger.
_ENDINGS = frozenset(
    (".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
)
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))

# Pillow promises no common base class for what its decoders raise on damaged files.
DECODING_ERRORS = (
    ArithmeticError,
    EOFError,
    Image.DecompressionBombError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def open_image(file: BinaryIO) -> Image.Image:
    """Opens an image by its header; its pixels are decoded later.

    Raises:
        UnidentifiedImageError: if it is no image.
        DECODING_ERRORS: if its header is damaged.
    """
    register_heif()
    return Image.open(file)


def why_no_image(path: Path) -> str | None:
    """What a file is in place of an image; None if it is one, damaged or not, or is called so."""
    if path.suffix.lower() in _ENDINGS:
        return None
    try:
        with path.open("rb") as file, open_image(file):
            return None
    except UnidentifiedImageError:
        return why_unidentified(path)
    except DECODING_ERRORS:
        return None


def why_unidentified(path: Path) -> str:
    """What a file is that Pillow does not know."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" and head[8:] in _HEIF_BRANDS:
        return "HEIC, which takes `pip install pillow-heif`, the extra `heif`"
    return "not an image"


@functools.cache
def register_heif() -> None:
    """Lets Pillow read HEIC if the plugin is installed; once, for a failing import takes long."""
    try:
        import pillow_heif
    except ImportError:
        return
    pillow_heif.register_heif_opener()
