"""Padding: episodes of a batch that differ in size hold queries and classes that are not there."""

import tensorflow as tf

# Logit of a class that is not there: a softmax makes exactly 0 of it, and its products stay finite.
ABSENT = -1e9


def masked_mean(x: tf.Tensor, axis: int | list[int], present: tf.Tensor | None) -> tf.Tensor:
    """Mean over some axes of what is present.

    Args:
        x: float.
        axis: axis or axes to average over, 0 or more; they stay, with size 1.
        present: bool, of the shape of x or with sizes of 1; None if everything is.

    Returns:
        float; 0 where nothing is present.
    """
    if present is None:
        return tf.reduce_mean(x, axis, keepdims=True)
    total = tf.reduce_sum(tf.where(present, x, 0), axis, keepdims=True)
    sizes, given = tf.gather(tf.shape(x), axis), tf.gather(tf.shape(present), axis)
    repeats = tf.cast(tf.reduce_prod(sizes // given), x.dtype)
    number = repeats * tf.reduce_sum(tf.cast(present, x.dtype), axis, keepdims=True)
    return tf.math.divide_no_nan(total, number)


def zero_if_absent(x: tf.Tensor, present: tf.Tensor | None) -> tf.Tensor:
    """Zeros in place of what is not there.

    Args:
        x: float [B, ..., C].
        present: bool [B, ...]; None if everything is there.

    Returns:
        x, with zeros in all channels where `present` is False.
    """
    return x if present is None else tf.where(present[..., tf.newaxis], x, 0)
