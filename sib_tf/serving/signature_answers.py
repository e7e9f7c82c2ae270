"""What the signatures of exported models answer."""

import tensorflow as tf


def answers(before: tf.Tensor, after: tf.Tensor) -> dict[str, tf.Tensor]:
    """Probabilities and labels, in float32 whatever the steps are computed in.

    Args:
        before: logits before the first step, float [B, Q, N].
        after: logits after K steps, float [B, Q, N].
    """
    return {
        "probabilities": _probabilities(after),
        "labels": tf.argmax(after, axis=-1, output_type=tf.int32),
        "inductive_probabilities": _probabilities(before),
    }


def _probabilities(logits: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.nn.softmax(logits), tf.float32)
