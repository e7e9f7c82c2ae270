"""A few-shot task made of a user's images."""

from dataclasses import dataclass

import numpy as np

from sib_tf.serving.predict.task import Task


@dataclass(frozen=True)
class ImageTask:
    """One few-shot task made of a user's images.

    Attributes:
        class_names: names of the N classes, in the order of their labels.
        support_images: support images grouped by class, uint8 [S, H, W, 3].
        support_labels: labels of the support images, int32 [S], 0 .. N-1.
        query_images: query images, uint8 [Q, H, W, 3].
    """

    class_names: tuple[str, ...]
    support_images: np.ndarray
    support_labels: np.ndarray
    query_images: np.ndarray


def image_task(task: Task) -> ImageTask:
    """The images of a task of which the images themselves were kept."""
    return ImageTask(
        class_names=task.class_names,
        support_images=task.support.kept,
        support_labels=task.support_labels,
        query_images=task.query.kept,
    )
