"""Images as people have them in Python: files, Pillow images and arrays, of any size."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

import numpy as np
from PIL import Image

from sib_tf.base import storage
from sib_tf.base.errors import UserError, first_line
from sib_tf.datasets import unreadable
from sib_tf.datasets.image_formats import DECODING_ERRORS
from sib_tf.datasets.images import UnreadableImageError, read_rgb, rgb_of

GivenImage = str | os.PathLike | Image.Image | np.ndarray
GivenImages = np.ndarray | Iterable[GivenImage]

_OF_OBJECTS = "OTU"  # kinds of dtypes of arrays that hold files or images


def listed(name: str, images: GivenImages) -> Sequence[GivenImage]:
    """Images as a sequence, not yet read.

    Args:
        name: name of the argument, for errors.
        images: array uint8 [n, H, W, 3] or anything that holds `GivenImage`s, one or more.

    Raises:
        UserError: if it is one image instead of several, an array of another type or shape, no
            collection, or empty.
    """
    if isinstance(images, str | bytes | os.PathLike | Image.Image):
        raise UserError(f"{name}: is one image; give a list of images, [image] for one")
    if hasattr(images, "__array__"):  # of NumPy, or a tensor, or a column of a table
        images = np.asarray(images)
    if isinstance(images, np.ndarray) and images.dtype.kind not in _OF_OBJECTS:
        _refuse_other_arrays(name, images, ("n", "H", "W", 3))
    elif isinstance(images, Iterable):
        images = list(images)
    else:
        raise UserError(f"{name}: is {type(images).__name__}; give a list of images")
    if not len(images):
        raise UserError(f"{name}: has no image; give one or more")
    return images


def batches(
    name: str, images: Sequence[GivenImage], size: tuple[int, int], batch_size: int
) -> Iterator[np.ndarray]:
    """Reads images, as `datasets.images.read_rgb` does, in the memory that a batch takes.

    Args:
        name: name of the argument, for errors.
        images: result of `listed`.
        size: H and W of the result, in pixels, to which images are cropped and resized.
        batch_size: most images of a batch.

    Yields:
        uint8 [B, H, W, 3].

    Raises:
        UserError: if an image cannot be read or is none; names the place in `images`, or the files
            that cannot be read, of many the first.
    """
    for start in range(0, len(images), batch_size):
        places = range(start, min(start + batch_size, len(images)))
        try:
            batch = np.stack([_pixels(f"{name}[{i}]", images[i], size) for i in places])
        except UnreadableImageError:
            _refuse_unreadable(name, images, size)
        yield batch


def _pixels(name: str, image: GivenImage, size: tuple[int, int]) -> np.ndarray:
    match image:
        case str() | os.PathLike():
            return read_rgb(storage.local(image), size)
        case np.ndarray():
            _refuse_other_arrays(name, image, ("H", "W", 3))
            return rgb_of(Image.fromarray(image), size)
        case Image.Image():
            return _decoded(name, image, size)
    kind = type(image).__name__
    raise UserError(f"{name}: is {kind}; give a file, a Pillow image or an array uint8 [H, W, 3]")


def _refuse_unreadable(name: str, images: Sequence[GivenImage], size: tuple[int, int]) -> NoReturn:
    faults = []
    for i, image in enumerate(images):
        try:
            _pixels(f"{name}[{i}]", image, size)
        except UnreadableImageError as error:
            faults.append(error.fault)
    unreadable.refuse(faults[: unreadable.NAMED], len(faults))


def _decoded(name: str, image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    try:
        return rgb_of(image, size)
    except DECODING_ERRORS as error:
        raise UserError(
            f"{name}: cannot be read as an image ({first_line(error)}); leave it out"
        ) from error


def _refuse_other_arrays(name: str, array: np.ndarray, axes: tuple[str | int, ...]) -> None:
    if array.dtype != np.uint8:
        raise UserError(f"{name}: is {array.dtype}; give uint8, pixels of 0 .. 255")
    if array.ndim != len(axes) or array.shape[-1] != axes[-1] or 0 in array.shape[-3:]:
        wanted = ", ".join(map(str, axes))
        raise UserError(f"{name}: has shape {list(array.shape)}; give [{wanted}], in RGB")
