"""Which way up an image is, predicted through the weights of a classifier: labels that are made."""

import tensorflow as tf

from sib_tf.method.presence import masked_mean

TURNS = 4  # by 0, 90, 180 and 270 degrees


def turn_logits(
    features: tf.Tensor, probabilities: tf.Tensor, theta: tf.Tensor, turns: tf.Tensor
) -> tf.Tensor:
    """Predicts by which of four angles each image was turned.

        logits = V (D * f * sum_n p_n theta_n),   f and theta_n of length 1

    The features are weighed by the weights of the class that the image seems to be of: to tell
    which way up it is, theta must say what that class looks like.

    Args:
        features: features of the turned images, float [B, n, D].
        probabilities: p, what the classifier theta makes of them, float [B, n, N].
        theta: weights of the classifier, float [B, N, D].
        turns: V, float [B, 4, D].

    Returns:
        float [B, n, 4]. D makes the products of order 1, whatever the number of features.
    """
    dim = tf.cast(tf.shape(features)[-1], features.dtype)
    expected = tf.matmul(probabilities, tf.math.l2_normalize(theta, axis=-1))
    products = dim * tf.math.l2_normalize(features, axis=-1) * expected
    return tf.matmul(products, turns, transpose_b=True)


def rotation_loss(logits: tf.Tensor, present: tf.Tensor | None = None) -> tf.Tensor:
    """The mean cross-entropy of all turns of all images of each task, in nats.

    Args:
        logits: of image q turned by angle t, for each angle, float [B, Q, 4, 4].
        present: bool [B, Q], False for padding; None if all images are there.

    Returns:
        float [B].
    """
    truth = tf.broadcast_to(tf.eye(TURNS, dtype=logits.dtype), tf.shape(logits))
    losses = tf.nn.softmax_cross_entropy_with_logits(truth, logits)
    present = None if present is None else present[..., tf.newaxis]
    return masked_mean(losses, [1, 2], present)[:, 0, 0]
