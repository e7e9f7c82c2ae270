"""Rows of arrays that may be larger than memory, looked up in a graph."""

import numpy as np
import tensorflow as tf


def rows(array: np.ndarray, ids: tf.Tensor) -> tf.Tensor:
    """The rows of an array by their numbers; a constant or variable would hold all of them.

    Args:
        array: float32 [n, D], in memory or mapped.
        ids: int [...], 0 .. n-1.

    Returns:
        float32 [..., D].
    """
    found = tf.numpy_function(array.__getitem__, [ids], tf.float32, stateful=False)
    return tf.ensure_shape(found, [*ids.shape, array.shape[-1]])
