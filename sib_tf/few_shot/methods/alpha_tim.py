"""TIM for queries in unequal shares."""

from typing import ClassVar

import tensorflow as tf

from sib_tf.few_shot.methods.tim import TIM, cross_entropy
from sib_tf.few_shot.model import Inputs


class AlphaTIM(TIM):
    """TIM with Tsallis' entropy H_alpha(p) = (1 - sum_n p_n^alpha) / (alpha - 1) of the queries.

    It minimises CE(support) + H_alpha(y | x) - H_alpha(y). The larger alpha, the less an unequal
    distribution of the classes is pulled towards an equal one.

    Constants of the paper: weights 1, scale 15, learning rate 1e-4, 1,000 steps. alpha is chosen on
    validation episodes.

    Source: Veilleux, Boudiaf, Piantanida, Ben Ayed, "Realistic Evaluation of Transductive Few-Shot
    Learning", NeurIPS 2021.
    """

    title = "alpha-TIM"
    grid: ClassVar = {"alpha": (2.0, 3.0, 5.0, 7.0)}
    chosen: ClassVar = {1: {"alpha": 2.0}, 5: {"alpha": 3.0}}

    def loss(
        self, members: tf.Tensor, support: tf.Tensor, query: tf.Tensor, inputs: Inputs
    ) -> tf.Tensor:
        """See `TIM.loss`."""
        alpha = self.constant("alpha", inputs)
        shares = tf.reduce_mean(query, axis=1)
        return tf.reduce_sum(
            cross_entropy(members, support)
            + tf.reduce_mean(_tsallis_entropy(query, alpha), axis=-1)
            - _tsallis_entropy(shares, alpha)
        )


def _tsallis_entropy(p: tf.Tensor, alpha: float) -> tf.Tensor:
    return (1 - tf.reduce_sum(p**alpha, axis=-1)) / (alpha - 1)
