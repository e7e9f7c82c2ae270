"""Checks of a task before a server sees it.

A server that joins requests of different sizes fills up *every* axis but the first. What the
model would refuse alone, such as small images or a missing label, it does not see beside a larger
task.
"""

from collections.abc import Sequence

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.serving.predict.image_task import ImageTask


def check(task: ImageTask, image_size: tuple[int, int], num_classes: int | None) -> None:
    """Refuses a task that a model does not take.

    Args:
        task: task to check.
        image_size: height and width of the images that the model takes, in pixels.
        num_classes: number of classes that the model tells apart; None if any number.

    Raises:
        UserError: if images are missing or of another size, support labels are not one for each
            support image and all from 0 to N - 1, or N is not that of the model.
    """
    _check_images("support_images", task.support_images, image_size)
    _check_images("query_images", task.query_images, image_size)
    _check_labels(task.support_labels, task.support_images, task.class_names)
    if num_classes not in (None, len(task.class_names)):
        raise UserError(
            f"class_names: are {len(task.class_names)} but the model tells {num_classes} "
            f"classes apart; give it {num_classes}"
        )


def _check_images(name: str, images: np.ndarray, image_size: tuple[int, int]) -> None:
    shape = [*image_size, 3]
    if list(images.shape[1:]) != shape:
        raise UserError(
            f"{name}: have the shape {list(images.shape)} but the model takes "
            f"[n, {', '.join(map(str, shape))}]; resize them"
        )
    if not len(images):
        raise UserError(f"{name}: are none; give at least one")


def _check_labels(labels: np.ndarray, images: np.ndarray, class_names: Sequence[str]) -> None:
    if labels.shape != (len(images),):
        raise UserError(
            f"support_labels: have the shape {list(labels.shape)} beside {len(images)} "
            "support_images; give one for each"
        )
    found = np.unique(labels).tolist()
    if found != list(range(len(class_names))):
        raise UserError(
            f"support_labels: are {found} for {len(class_names)} class_names; give each class from "
            f"0 to {len(class_names) - 1} an example, and no others"
        )
