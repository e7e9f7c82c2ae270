"""What the set-wise xi sees of a (query, class) pair."""

from collections.abc import Callable

import tensorflow as tf

from sib_tf.method.presence import ABSENT, masked_mean, zero_if_absent

NUM_FEATURES = 9


def pair_features(
    logits: tf.Tensor,
    neighbor_mean: Callable[[tf.Tensor], tf.Tensor],
    present: tf.Tensor | None = None,
) -> tf.Tensor:
    """Describes each (query, class) pair by itself and by its context in the episode.

    Args:
        logits: float [B, Q, N].
        neighbor_mean: callable: float [B, Q, N] -> its mean over the neighbours of each query.
        present: bool [B, Q, N] or sizes of 1: which pairs are there; all if left out.

    Returns:
        float [B, Q, N, 9]: the logit less the query's mean logit; log p; p; p^2; the class's share
        of the batch, mean over the queries of p; the query's largest p; the query's entropy (nats);
        p over the share, normalised over the classes (what p would be if all classes were equally
        frequent); and the mean over the query's neighbours of p. Zeros for a pair that is not
        there.
    """
    if present is not None:
        logits = tf.where(present, logits, ABSENT)
    log_p = tf.nn.log_softmax(logits)
    p = tf.exp(log_p)
    share = masked_mean(p, 1, present)
    log_share = tf.math.log(tf.where(share > 0, share, 1))  # 0 is the share of an absent class
    shape = tf.shape(logits)
    features = tf.stack(
        [
            logits - masked_mean(logits, 2, present),
            log_p,
            p,
            tf.square(p),
            tf.broadcast_to(share, shape),
            tf.broadcast_to(tf.reduce_max(p, axis=-1, keepdims=True), shape),
            tf.broadcast_to(-tf.reduce_sum(p * log_p, axis=-1, keepdims=True), shape),
            tf.nn.softmax(log_p - log_share),
            neighbor_mean(p),
        ],
        axis=-1,
    )
    return zero_if_absent(features, present)
