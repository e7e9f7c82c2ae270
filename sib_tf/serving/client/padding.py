"""Tasks in the form in which a server can join those of different sizes.

TensorFlow Serving joins requests along the first axis. Where their other axes differ it fills up
each input of a request *with the first element of this input* (`pad_variable_length_inputs`). So
the client puts padding first: a support image of zeros with the label -1, and a query image of
zeros. Whatever the server appends is then padding as well, which the model gives no part in the
adaptation. The answer has a row for each query, the padding included, and a column for each class
of the largest task in the batch.
"""

from typing import NamedTuple

import numpy as np

from sib_tf.serving.exported_model import Answers
from sib_tf.serving.predict.image_task import ImageTask

_PADDING = -1  # the label


class PaddedTask(NamedTuple):
    """The inputs of a request.

    Attributes:
        support_images: support images after one of padding, uint8 [1 + S, H, W, 3].
        support_labels: labels of the support images, int32 [1 + S].
        query_images: query images after one of padding, uint8 [1 + Q, H, W, 3].
    """

    support_images: np.ndarray
    support_labels: np.ndarray
    query_images: np.ndarray


def pad(task: ImageTask) -> PaddedTask:
    """Puts padding before the examples of a task."""
    return PaddedTask(
        _after_zeros(task.support_images),
        np.pad(task.support_labels, (1, 0), constant_values=_PADDING),
        _after_zeros(_visible(task.query_images)),
    )


def unpad(answers: Answers, task: ImageTask) -> Answers:
    """Takes the answers for a task, [Q, N], out of those with padding, [1 + Q.., N..]."""
    queries, classes = len(task.query_images), len(task.class_names)
    return Answers(*(found[1 : 1 + queries, :classes] for found in answers))


def _after_zeros(images: np.ndarray) -> np.ndarray:
    return np.pad(images, ((1, 0), (0, 0), (0, 0), (0, 0)))


def _visible(images: np.ndarray) -> np.ndarray:
    """Images [n, H, W, 3] of which those that are black all over have one value of 1.

    They would be taken for padding.
    """
    black = ~images.any(axis=(1, 2, 3))
    images = images.copy()
    images[black, 0, 0, 0] = 1
    return images
