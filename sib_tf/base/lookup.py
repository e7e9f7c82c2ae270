"""Rows of arrays that may be larger than memory, looked up in a graph."""

from typing import Protocol

import numpy as np
import tensorflow as tf


class Rows(Protocol):
    """What is looked up by number: an array, in memory or mapped, or what is read like one.

    Attributes:
        shape: the number of rows, and the shape of each.
        dtype: the type of their elements.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int: ...

    def __getitem__(self, numbers: slice | np.ndarray) -> np.ndarray: ...


def rows(table: Rows, numbers: tf.Tensor) -> tf.Tensor:
    """The rows with these numbers; a constant or a variable would hold all of them.

    Args:
        table: n rows of shape [...].
        numbers: int, 0 .. n-1, of any shape that the table takes.

    Returns:
        The shape of `numbers`, then that of a row.
    """
    found = tf.numpy_function(table.__getitem__, [numbers], table.dtype, stateful=False)
    return tf.ensure_shape(found, [*numbers.shape, *table.shape[1:]])
