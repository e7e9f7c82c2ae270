"""What the methods measure between examples and the centres of classes."""

import tensorflow as tf

from sib_tf.few_shot.methods.method import way_of
from sib_tf.few_shot.model import Inputs


def unit_features(inputs: Inputs) -> tuple[tf.Tensor, tf.Tensor]:
    """Support [B, S, D] and query features [B, Q, D], each example of length 1."""
    support, query = (
        tf.math.l2_normalize(inputs[f"{part}_features"], axis=-1) for part in ("support", "query")
    )
    return support, query


def members(inputs: Inputs) -> tf.Tensor:
    """Which class each support example belongs to, float [B, S, N], one 1 in each row."""
    dtype = inputs["support_features"].dtype
    return tf.one_hot(inputs["support_labels"], way_of(inputs), dtype=dtype)


def class_means(examples: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weighted means of the examples, float [B, N, D]; zeros where all weights are 0.

    Args:
        examples: float [B, M, D].
        weights: float [B, M, N], 0 or more: how much each example counts for each class.
    """
    totals = tf.reduce_sum(weights, axis=1)[..., tf.newaxis]
    return tf.math.divide_no_nan(tf.matmul(weights, examples, transpose_a=True), totals)


def cosines(examples: tf.Tensor, centres: tf.Tensor) -> tf.Tensor:
    """Cosines of examples [B, M, D] and centres [B, N, D], float [B, M, N]."""
    one, other = (tf.math.l2_normalize(x, axis=-1) for x in (examples, centres))
    return tf.matmul(one, other, transpose_b=True)


def squared_distances(examples: tf.Tensor, centres: tf.Tensor) -> tf.Tensor:
    """Squared Euclidean distances of examples [B, M, D] to centres [B, N, D], float [B, M, N]."""
    products = tf.matmul(examples, centres, transpose_b=True)
    squares = tf.reduce_sum(tf.square(examples), axis=-1)[:, :, tf.newaxis]
    return squares - 2 * products + tf.reduce_sum(tf.square(centres), axis=-1)[:, tf.newaxis]
