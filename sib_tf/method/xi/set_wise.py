"""A xi that treats the logits as a set of (query, class) pairs. Not in the paper."""

from typing import ClassVar

import keras
import tensorflow as tf

from sib_tf.method.presence import zero_if_absent
from sib_tf.method.xi.context import Context
from sib_tf.method.xi.pair_features import NUM_FEATURES, pair_features
from sib_tf.method.xi.perceptron import Perceptron
from sib_tf.method.xi.synthetic_gradient import SyntheticGradient

_HIDDEN = 32


@keras.saving.register_keras_serializable("sib_tf")
class SetSyntheticGradient(SyntheticGradient):
    """One small perceptron, 9 -> 32 -> 32 -> 1, for every (query, class) pair.

    It does not know the number of classes or their order: permuting the classes permutes its
    output. What it knows of a pair are `pair_features`, among them what is predicted for queries
    that look alike.
    """

    title = "set-wise"
    any_way: ClassVar[bool] = True

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for logits [B, Q, N]."""
        hidden = self.hidden or _HIDDEN
        self.perceptron = Perceptron(NUM_FEATURES, hidden, 1, dtype=self.dtype_policy)
        self.perceptron.build((*logits_shape, NUM_FEATURES))

    def call(self, logits: tf.Tensor, context: Context) -> tf.Tensor:
        """Logits [B, Q, N] to the synthetic gradient, float [B, Q, N]; 0 for an absent pair."""
        present = context.pair_mask
        x = pair_features(logits, context.neighbors.mean, present)
        return zero_if_absent(self.perceptron(x, present=present), present)[..., 0]
