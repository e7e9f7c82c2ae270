"""A xi for episodes of any size, which holds on to the support. Not in the paper."""

from typing import ClassVar

import keras
import tensorflow as tf

from sib_tf.method.presence import zero_if_absent
from sib_tf.method.support_gradient import support_gradient
from sib_tf.method.xi.context import Context
from sib_tf.method.xi.pair_features import NUM_FEATURES, pair_features
from sib_tf.method.xi.perceptron import Perceptron
from sib_tf.method.xi.synthetic_gradient import SyntheticGradient

_HIDDEN = 32
_SIZES = 3  # numbers that tell the size of an episode


@keras.saving.register_keras_serializable("sib_tf")
class GeneralSyntheticGradient(SyntheticGradient):
    """A set-wise network for any number of queries, classes and shots.

        on query q:              (Q - 1) / Q * a * network(q, n) / Q
        on support example s:    (Q - 1) / Q * b * (p_sn - y_sn) / S

    The network is one perceptron with two hidden layers for every (query, class) pair, which sees
    its `pair_features`. How large the episode is changes the scales and shifts of its
    normalisations, and a and b, which are positive and learned. The network is divided by Q, so
    that a step is a mean over the queries, no matter how many there are. On the support the
    gradient of the cross-entropy is known, and pulls theta back where the queries lead it astray. A
    query that is alone tells nothing, and changes nothing. No weight depends on D.
    """

    title = "general"
    any_way: ClassVar[bool] = True
    on_support: ClassVar[bool] = True

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for logits [B, Q + S, N]."""
        hidden = self.hidden or _HIDDEN
        self.perceptron = Perceptron(NUM_FEATURES, hidden, 1, _SIZES, dtype=self.dtype_policy)
        self.perceptron.build((*logits_shape, NUM_FEATURES))
        self.strengths = keras.layers.Dense(
            2, activation="exponential", kernel_initializer="zeros", dtype=self.dtype_policy
        )
        self.strengths.build((None, _SIZES))

    def call(self, logits: tf.Tensor, context: Context) -> tf.Tensor:
        """Logits [B, Q + S, N] to the gradient on queries and support, float [B, Q + S, N]."""
        queries = tf.shape(context.queries)[1]
        present, number = context.pair_mask, context.num_queries
        sizes = _sizes(context, tf.shape(logits)[2])
        x = pair_features(logits[:, :queries], context.neighbors.mean, present)
        x = self.perceptron(x, present=present, about=sizes)
        on_queries = zero_if_absent(x, present)[..., 0] / _column(number)
        on_support = support_gradient(
            logits[:, queries:], context.support_labels, context.class_mask
        )
        a, b = (_column(strength) for strength in tf.unstack(self.strengths(sizes), axis=1))
        gradient = tf.concat([a * on_queries, b * on_support], axis=1)
        return _column((number - 1) / number) * gradient


def _sizes(context: Context, way: tf.Tensor) -> tf.Tensor:
    """Logarithms of Q, N and the shots of each episode, near 0: float [B, 3]."""
    queries, classes = context.num_queries, context.num_classes(way)
    shots = context.num_support / classes
    sizes = (tf.math.log(queries) / 3 - 1, tf.math.log(classes) - 1.5, tf.math.log(shots) - 0.5)
    return tf.stack(sizes, axis=1)


def _column(of_episode: tf.Tensor) -> tf.Tensor:
    """Numbers of episodes, [B] -> [B, 1, 1]."""
    return of_episode[:, tf.newaxis, tf.newaxis]
