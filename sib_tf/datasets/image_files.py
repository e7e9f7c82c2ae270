"""Image files of classes as TFDS examples."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.base.file_names import legible
from sib_tf.beam.counters import counter
from sib_tf.datasets.images import UnreadableImageError, read_rgb
from sib_tf.datasets.pieces import unreadable_image


def by_id(class_name: str, files: Iterable[Path], root: Path | None = None) -> dict[str, Path]:
    """Files of a class by their ids: CLASS/FILENAME, or CLASS/PART/FILENAME.

    Args:
        class_name: name of the class.
        files: its files.
        root: folder with the folder of the class, maybe in parts: ROOT/CLASS or ROOT/PART/CLASS.
    """

    def key(file: Path) -> str:
        parts = file.relative_to(root).parts[:-2] if root else ()
        return legible("/".join((class_name, *parts, file.name)))

    return {key(file): file for file in files}


def read_class(class_files: tuple[str, Mapping[str, Path]], size: int) -> Iterator[Any]:
    """Reads files of a class.

    Args:
        class_files: name of the class, and its files by their ids.
        size: height and width of the images, in pixels.

    Yields:
        What `example` returns.
    """
    class_name, files = class_files
    for key, file in files.items():
        yield example(key, class_name, functools.partial(read_rgb, file, size=(size, size)))


def example(key: str, class_name: str, read: Callable[[], np.ndarray]) -> Any:
    """Reads an image; counts it, and the unreadable ones.

    Args:
        key: its id.
        class_name: name of its class.
        read: callable that returns it, uint8 [size, size, 3], or raises UnreadableImageError.

    Returns:
        The id and the example; `unreadable_image` of one that cannot be read.
    """
    try:
        image = read()
    except UnreadableImageError as error:
        counter("unreadable images").inc()
        return unreadable_image(error.fault)
    counter("images").inc()
    return key, {"image": image, "label": class_name, "id": key}
