"""A task whose files have been read."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from pathlib import Path

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.serving.predict.reading import Images, read_images
from sib_tf.serving.predict.task_files import TaskFiles


@dataclass(frozen=True)
class Task:
    """A few-shot task of a user's image files, of which those that cannot be read are left out.

    Attributes:
        files: all files.
        support: what is kept of the support, S images.
        query: what is kept of the queries, Q images.
    """

    files: TaskFiles
    support: Images
    query: Images

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the N classes, in the order of their labels."""
        return self.files.class_names

    @cached_property
    def support_labels(self) -> np.ndarray:
        """Labels of the support, int32 [S]."""
        return self.files.support_labels[self.support.readable]

    @cached_property
    def support_files(self) -> list[Path]:
        """The S files of the support."""
        return list(compress(self.files.support, self.support.readable))

    @cached_property
    def query_files(self) -> list[Path]:
        """The Q files to classify."""
        return list(compress(self.files.query, self.query.readable))


def read_task(
    files: TaskFiles, size: tuple[int, int], keep: Callable[[np.ndarray], np.ndarray]
) -> Task:
    """Reads the files of a task, with a warning of those that cannot be read.

    Args:
        files: files of the task.
        size: height and width of the images that the model takes, in pixels.
        keep: callable from images, uint8 [B, H, W, 3], to what is kept of each, [B, ...].

    Raises:
        UserError: if a class is left without support or no query image can be read.
    """
    support = read_images(files.support, size, keep, "support")
    for label in np.unique(files.support_labels):
        of_class = files.support_labels == label
        if not support.readable[of_class].any():
            folder = files.support[of_class.argmax()].parent
            raise UserError(f"{folder}: none of the images can be read; replace them")
    query = read_images(files.query, size, keep, "images")
    if not query.readable.any():
        raise UserError(
            f"{files.query_folder}: has no image that can be read; add images to classify"
        )
    return Task(files, support, query)
