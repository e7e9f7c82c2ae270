"""A few-shot task made of a user's images."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from absl import logging

from sib_tf.base.errors import UserError
from sib_tf.datasets.images import list_files, list_folders, read_rgb


@dataclass(frozen=True)
class ImageTask:
    """One few-shot task made of a user's images.

    Attributes:
        class_names: names of the N classes, in the order of their labels.
        support_images: support images grouped by class, uint8 [S, H, W, 3].
        support_labels: labels of the support images, int32 [S], 0 .. N-1.
        query_files: all query files, readable or not.
        query_images: readable query images, uint8 [Q, H, W, 3].
        readable: whether each query file is readable, bool [len(query_files)].
    """

    class_names: tuple[str, ...]
    support_images: np.ndarray
    support_labels: np.ndarray
    query_files: tuple[Path, ...]
    query_images: np.ndarray
    readable: np.ndarray


def read_image_task(
    support: Path, classes: dict[str, list[Path]], query: Path, size: tuple[int, int]
) -> ImageTask:
    """Reads the images of a task, skipping damaged files and other files with a warning.

    Args:
        support: folder of the class folders.
        classes: image files of the support by class name.
        query: folder of the query images, whatever the endings of their names.
        size: height and width of the result, in pixels.

    Raises:
        UserError: if a class is left without support or no query image can be read.
    """
    support_images, support_labels = [], []
    for label, (name, files) in enumerate(classes.items()):
        shots = [image for image in _read_images(files, size) if image is not None]
        if not shots:
            raise UserError(f"{support / name}: none of the images can be read; replace them")
        support_images += shots
        support_labels += [label] * len(shots)

    query_files = list_files(query)
    for folder in list_folders(query):
        logging.warning("Skipped: %s: is a folder; name it as the query to classify it", folder)
    query_images = _read_images(query_files, size)
    readable = np.array([image is not None for image in query_images], bool)
    if not readable.any():
        raise UserError(f"{query}: has no image that can be read; add images to classify")
    return ImageTask(
        class_names=tuple(classes),
        support_images=np.stack(support_images),
        support_labels=np.array(support_labels, np.int32),
        query_files=tuple(query_files),
        query_images=np.stack([image for image in query_images if image is not None]),
        readable=readable,
    )


def _read_images(files: Iterable[Path], size: tuple[int, int]) -> list[np.ndarray | None]:
    return [_read_or_warn(file, size) for file in files]


def _read_or_warn(file: Path, size: tuple[int, int]) -> np.ndarray | None:
    try:
        return read_rgb(file, size)
    except UserError as error:
        logging.warning("Skipped: %s", error)
        return None
