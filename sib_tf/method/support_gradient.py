"""The gradient that is known: of the support, whose labels are given."""

import tensorflow as tf

from sib_tf.method.presence import ABSENT, zero_if_absent


def support_gradient(
    logits: tf.Tensor, labels: tf.Tensor, class_mask: tf.Tensor | None
) -> tf.Tensor:
    """Gradient of the mean cross-entropy of the support of each episode, by its logits.

    Args:
        logits: float [B, S, N].
        labels: int [B, S], 0 .. N-1, or negative for padding, which has no gradient.
        class_mask: bool [B, 1, N], False for a class without support; None if all have some.

    Returns:
        (p - y) / S with S without padding, float [B, S, N].
    """
    if class_mask is not None:
        logits = tf.where(class_mask, logits, ABSENT)
    present = labels >= 0
    truth = tf.one_hot(labels, tf.shape(logits)[-1], dtype=logits.dtype)
    errors = zero_if_absent(tf.nn.softmax(logits) - truth, present)
    number = tf.reduce_sum(tf.cast(present, logits.dtype), axis=1)
    return errors / number[:, tf.newaxis, tf.newaxis]
