"""Which queries of an episode are alike, whatever the task makes of them."""

import tensorflow as tf

from sib_tf.method.presence import masked_mean

# Of 5, 10 and 20 the best on the validation classes of CIFAR-FS.
SHARPNESS = 10.0

# In place of a cosine: a query that is alone finds itself sooner than padding.
_ITSELF, _PADDING = -1e8, -1e9


def neighbor_weights(queries: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """How much each other query counts as a neighbour of a query.

        weights[q, r] = softmax over r != q of SHARPNESS * cos(f_q - m, f_r - m)

    with unit features f and their mean m over the episode, which all images share. Not in the
    paper, whose xi sees predictions alone.

    Args:
        queries: float [B, Q, D], not all zero.
        mask: bool [B, Q], False where a query is padding, which counts for none; all count if left
            out.

    Returns:
        float [B, Q, Q]; rows sum to 1, and a query is a neighbour of itself only if it is alone.
        Memory grows with the square of Q: 10,000 queries take 400 MB in float32.
    """
    present = None if mask is None else mask[..., tf.newaxis]
    unit = tf.math.l2_normalize(queries, axis=-1)
    centred = tf.math.l2_normalize(unit - masked_mean(unit, 1, present), axis=-1)
    cosines = tf.matmul(centred, centred, transpose_b=True)
    if mask is not None:
        cosines = tf.where(mask[:, tf.newaxis], cosines, _PADDING)
    itself = tf.fill(tf.shape(cosines)[:-1], tf.cast(_ITSELF, cosines.dtype))
    return tf.nn.softmax(SHARPNESS * tf.linalg.set_diag(cosines, itself))
