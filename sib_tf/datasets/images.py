"""Image files and folders of them, read the same way for data sets and for a user's own images."""

import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sib_tf.base.errors import UserError, first_line
from sib_tf.base.file_names import legible
from sib_tf.datasets.bare_images import bare
from sib_tf.datasets.image_formats import DECODING_ERRORS, why_no_image, why_unidentified
from sib_tf.datasets.pixels import decode, upright_rgb

_PARTS = frozenset(("train", "training", "val", "valid", "validation", "test", "testing"))
_NAMED = 3  # files that a warning names for each reason
_BESIDE = "beside the class folders"
_LOG = logging.getLogger("sib_tf")


class UnreadableImageError(UserError):
    """A file that cannot be read as an image.

    Attributes:
        fault: which file it is, and what is wrong with it.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}; delete it or replace it")
        self.fault = legible(fault)


def read_rgb(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Reads an image of any mode as RGB, upright as its EXIF orientation says.

    Transparent pixels are composited on white, 16-bit grey is scaled to 8 bits, and of an
    animation the first frame is taken. Texts, colour profiles and whatever else is not pixels may
    be damaged.

    Args:
        path: image file.
        size: height and width of the result: the image is cropped about its centre to their aspect
            ratio, then resized with antialiasing. The image keeps its own size if None.

    Returns:
        uint8 [H, W, 3].

    Raises:
        UnreadableImageError: if the file is missing, no image, damaged, or of a pixel type without
            a fixed range.
    """
    return _fitted(_decoded(path, size), size)


def read_with_thumbnail(
    path: Path, size: tuple[int, int], side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Reads an image as `read_rgb` does, and all of it, smaller.

    It is decoded once, which is what takes long.

    Args:
        path: image file.
        size: height and width of the first result, see `read_rgb`.
        side: pixels of the longer side of the second result, at most.

    Returns:
        uint8 [H, W, 3] each.

    Raises:
        UnreadableImageError: as `read_rgb`.
    """
    rgb = _decoded(path, size)
    pixels = _fitted(rgb, size)
    rgb.thumbnail((side, side))
    return pixels, np.asarray(rgb)


def rgb_of(image: Image.Image, size: tuple[int, int] | None = None) -> np.ndarray:
    """As `read_rgb`, of an image that is open.

    Raises:
        DECODING_ERRORS: if the image is damaged, or of a pixel type without a fixed range.
    """
    return _fitted(upright_rgb(image), size)


def rgb_of_encoded(encoded: bytes, name: str, size: tuple[int, int]) -> np.ndarray:
    """As `read_rgb`, of the content of a file, which has a name for messages.

    Raises:
        UnreadableImageError: as `read_rgb`.
    """
    with _explained(name, lambda: "not an image"):
        return _fitted(_read(io.BytesIO(encoded), size), size)


def _fitted(rgb: Image.Image, size: tuple[int, int] | None) -> np.ndarray:
    if size is not None:
        height, width = size
        rgb = ImageOps.fit(rgb, (width, height), Image.Resampling.BICUBIC)
    return np.asarray(rgb)


def _decoded(path: Path, size: tuple[int, int] | None) -> Image.Image:
    """The image, upright and RGB, at its own size or, where that is far larger, a smaller one."""
    with _explained(path, lambda: why_unidentified(path)), path.open("rb") as file:
        return _read(file, size)


@contextmanager
def _explained(name: Path | str, what_else: Callable[[], str]) -> Iterator[None]:
    """A block that reads an image; `what_else` says what it is if it is none."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"{name}: is {what_else()}") from error
    except DECODING_ERRORS as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UnreadableImageError(f"{name}: cannot be read as an image ({reason})") from error


def _read(file: BinaryIO, size: tuple[int, int] | None) -> Image.Image:
    try:
        return decode(file, size)
    except DECODING_ERRORS:
        file.seek(0)
        pixels = bare(file.read())
        if pixels is None:
            raise
    return decode(io.BytesIO(pixels), size)


def list_images(folder: Path) -> list[Path]:
    """Lists the images directly in a folder, sorted by name, without hidden ones.

    An image is what is called like one, or is one by its first bytes. A warning says how many
    others are left out, and why.

    Raises:
        UserError: if the folder is missing or is a file.
    """
    images, others = _sifted(_visible_children(folder))
    _warn(folder, others)
    return images


def list_files(folder: Path) -> list[Path]:
    """Lists the files directly in a folder, sorted by name, without hidden ones.

    Links to nothing are among them: reading one says so.

    Raises:
        UserError: if the folder is missing or is a file.
    """
    return [path for path in _visible_children(folder) if path.is_file() or _is_dangling(path)]


def list_folders(folder: Path) -> list[Path]:
    """Lists the folders directly in a folder, sorted by name, without hidden ones.

    Raises:
        UserError: if the folder is missing or is a file.
    """
    return [path for path in _visible_children(folder) if path.is_dir()]


def list_class_folders(folder: Path) -> dict[str, list[Path]]:
    """Lists the images of every class of a folder that holds one folder per class.

    Where it holds nothing but `train`, `val`, `test` or the like, with class folders in them, the
    folders of a class are taken together. A warning says how many files are left out, and why.

    Returns:
        Image files by class name (= folder name, see `legible`), sorted by class name, part and
        file name.

    Raises:
        UserError: if the folder is missing, is a file or has no class folders, or one of them has
            no image.
    """
    classes: dict[str, list[Path]] = {}
    left_out: dict[Path, str] = {}
    for part in parts(folder):
        for path in _visible_children(part):
            if not path.is_dir():
                left_out[path] = "a link to nothing" if _is_dangling(path) else _BESIDE
                continue
            images, others = _sifted(_visible_children(path))
            if not images:
                found = f" but {_counted(path, others)}" if others else ""
                raise UserError(
                    f"{path}: class folder without an image{found}; add images, delete it or name "
                    "a folder of class folders"
                )
            classes.setdefault(legible(path.name), []).extend(images)
            left_out |= others
    if not classes:
        raise UserError(f"{folder}: has no class folders; give it one folder of images per class")
    _warn(folder, left_out)
    return dict(sorted(classes.items()))


def parts(folder: Path) -> list[Path]:
    """The folders that hold the class folders: `folder`, or `train`, `val` and `test` in it.

    Raises:
        UserError: if the folder is missing or is a file.
    """
    folders = list_folders(folder)
    if not all(path.name.lower() in _PARTS for path in folders):
        return [folder]
    if not any(list_folders(path) for path in folders):
        return [folder]
    _LOG.info(
        "%s: the class folders of %s are taken together by their names; training divides by "
        "class, so that no class is on two sides.",
        folder,
        ", ".join(path.name for path in folders),
    )
    return folders


def _visible_children(folder: Path) -> list[Path]:
    if folder.is_file():
        raise UserError(f"{folder}: is a file; name a folder")
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; check the path")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _sifted(paths: Iterable[Path]) -> tuple[list[Path], dict[Path, str]]:
    """The images among some paths, and why each of the others is none."""
    faults = {path: _why_left_out(path) for path in paths}
    images = [path for path, fault in faults.items() if fault is None]
    return images, {path: fault for path, fault in faults.items() if fault is not None}


def _why_left_out(path: Path) -> str | None:
    if path.is_file():
        return why_no_image(path)
    if path.is_dir():
        return "a folder"
    return "a link to nothing" if _is_dangling(path) else "no file"


def _is_dangling(path: Path) -> bool:
    # An object store has no links.
    return not path.exists() and path.is_symlink()


def _warn(folder: Path, left_out: Mapping[Path, str]) -> None:
    if left_out:
        _LOG.warning("%s: left out %s", folder, _counted(folder, left_out))


def _counted(folder: Path, left_out: Mapping[Path, str]) -> str:
    """How many paths are left out for which reason, and the first of them."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in left_out.items():
        by_reason.setdefault(reason, []).append(legible(str(path.relative_to(folder))))
    return "; ".join(
        f"what is {reason}: {len(names)} ({_first(names)})" for reason, names in by_reason.items()
    )


def _first(names: list[str]) -> str:
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join(names[:_NAMED] + more)
