"""Image files and folders of them, read the same way for data sets and for a user's own images."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sib_tf.base.errors import UserError, first_line

EXTENSIONS = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

# Pillow promises no common base class for what its decoders raise on damaged files.
DECODING_ERRORS = (
    EOFError,
    Image.DecompressionBombError,
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
)


def read_rgb(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Reads an image of any mode as RGB, upright as its EXIF orientation says.

    Transparent pixels are composited on white, 16-bit grey is scaled to 8 bits, and of an
    animation the first frame is taken.

    Args:
        path: image file.
        size: height and width of the result: the image is cropped about its centre to their aspect
            ratio, then resized with antialiasing. The image keeps its own size if None.

    Returns:
        uint8 [H, W, 3].

    Raises:
        UserError: if the file is missing, no image, damaged, or of a pixel type without a fixed
            range.
    """
    try:
        with path.open("rb") as file, Image.open(file) as image:
            return rgb_of(image, size)
    except UnidentifiedImageError as error:
        raise UserError(f"{path}: is not an image; delete it or replace it") from error
    except DECODING_ERRORS as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UserError(
            f"{path}: cannot be read as an image ({reason}); delete it or replace it"
        ) from error


def rgb_of(image: Image.Image, size: tuple[int, int] | None = None) -> np.ndarray:
    """As `read_rgb`, of an image that is open.

    Raises:
        DECODING_ERRORS: if the image is damaged, or of a pixel type without a fixed range.
    """
    rgb = _to_rgb(ImageOps.exif_transpose(image))
    if size is not None:
        height, width = size
        rgb = ImageOps.fit(rgb, (width, height), Image.Resampling.BICUBIC)
    return np.asarray(rgb)


def list_images(folder: Path) -> list[Path]:
    """Lists the image files directly in a folder, sorted by name, without hidden ones.

    Raises:
        UserError: if the folder is missing or is a file.
    """
    return [path for path in list_files(folder) if path.suffix.lower() in EXTENSIONS]


def list_files(folder: Path) -> list[Path]:
    """Lists the files directly in a folder, sorted by name, without hidden ones.

    Raises:
        UserError: if the folder is missing or is a file.
    """
    return [path for path in _visible_children(folder) if path.is_file()]


def list_folders(folder: Path) -> list[Path]:
    """Lists the folders directly in a folder, sorted by name, without hidden ones.

    Raises:
        UserError: if the folder is missing or is a file.
    """
    return [path for path in _visible_children(folder) if path.is_dir()]


def list_class_folders(folder: Path) -> dict[str, list[Path]]:
    """Lists the images of every class of a folder that holds one folder per class.

    Returns:
        Image files by class name (= folder name), both sorted by name.

    Raises:
        UserError: if the folder is missing, is a file or has no class folders, or one of them has
            no image.
    """
    classes = {path.name: list_images(path) for path in list_folders(folder)}
    if not classes:
        raise UserError(f"{folder}: has no class folders; give it one folder of images per class")
    for name, images in classes.items():
        if not images:
            raise UserError(
                f"{folder / name}: class folder without an image; add images "
                f"({', '.join(sorted(EXTENSIONS))}) or delete it"
            )
    return classes


def _visible_children(folder: Path) -> list[Path]:
    if folder.is_file():
        raise UserError(f"{folder}: is a file; name a folder")
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; check the path")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


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
