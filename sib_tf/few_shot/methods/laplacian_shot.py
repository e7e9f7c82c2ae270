"""Nearest means, with like answers for queries that are alike."""

from typing import ClassVar

import tensorflow as tf

from sib_tf.few_shot.methods import geometry
from sib_tf.few_shot.methods.bd_cspn import rectified_prototypes
from sib_tf.few_shot.methods.loop import repeat
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.model import Inputs

_NEIGHBORS = 2  # k = 3 of the paper counts the query itself
_UPDATES = 20
_ITSELF = -2.0  # less than any cosine


class LaplacianShot(Method):
    """Descends a bound of the Laplacian-regularised sum of distances to rectified prototypes.

        E(y) = sum_q y_q . d_q  -  lambda / 2 * sum_{q, r} w_qr y_q . y_r

    with squared distances d_q of query q to the prototypes and w_qr = 1 if r is one of the two
    nearest other queries of q. One update is y_q = softmax(-d_q + lambda sum_r w_qr y_r).

    Constants of the paper: k = 3, 20 updates. lambda is chosen on validation episodes.

    Source: Ziko, Dolz, Granger, Ben Ayed, "Laplacian Regularized Few-Shot Learning", ICML 2020.
    """

    title = "LaplacianShot"
    grid: ClassVar = {"smoothness": (0.1, 0.3, 0.5, 0.7, 1.0, 1.5)}
    chosen: ClassVar = {1: {"smoothness": 1.0}, 5: {"smoothness": 0.5}}

    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries, float32 [1, B, Q, N]."""
        del num_steps
        smoothness = self.constant("smoothness", inputs)
        query = geometry.unit_features(inputs)[1]
        prototypes = rectified_prototypes(inputs)
        distances = geometry.squared_distances(query, prototypes)
        neighbors = _nearest(query)

        def update(answers: tf.Tensor) -> tuple[tf.Tensor]:
            return (tf.nn.softmax(smoothness * tf.matmul(neighbors, answers) - distances),)

        return repeat(update, (tf.nn.softmax(-distances),), _UPDATES)[0][tf.newaxis]


def _nearest(query: tf.Tensor) -> tf.Tensor:
    """Which other queries are the nearest ones of each, 0 or 1, float [B, Q, Q].

    Maxima are found one after the other, since XLA on a CPU sorts for `top_k`, which takes four
    times as long.
    """
    similar = tf.matmul(query, query, transpose_b=True)
    others = tf.linalg.set_diag(similar, tf.fill(tf.shape(similar)[:2], _ITSELF))
    least = tf.reduce_max(others, axis=-1, keepdims=True)
    for _ in range(min(_NEIGHBORS, query.shape[1] - 1) - 1):
        lower = tf.where(others < least, others, _ITSELF)
        least = tf.reduce_max(lower, axis=-1, keepdims=True)
    return tf.cast((others >= least) & (others > _ITSELF), query.dtype)
