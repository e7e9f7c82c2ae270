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

    The network is one perceptron, 12 -> 32 -> 32 -> 1, for every (query, class) pair. It sees
    `pair_features` and how large the episode is. It is divided by Q, so that a step is a mean over
    the queries, no matter how many there are. On the support the gradient of the cross-entropy is
    known, and pulls theta back where the queries lead it astray. a and b are positive and learned.
    A query that is alone tells nothing, and changes nothing. No weight depends on D.
    """

    title = "general"
    any_way: ClassVar[bool] = True
    on_support: ClassVar[bool] = True

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for logits [B, Q + S, N]."""
        hidden = self.hidden or _HIDDEN
        channels = NUM_FEATURES + _SIZES
        self.perceptron = Perceptron(channels, hidden, 1, dtype=self.dtype_policy)
        self.perceptron.build((*logits_shape, channels))
        self.log_query, self.log_support = (
            self.add_weight(name=name, shape=(), initializer="zeros")
            for name in ("log_query", "log_support")
        )

    def call(self, logits: tf.Tensor, context: Context) -> tf.Tensor:
        """Logits [B, Q + S, N] to the gradient on queries and support, float [B, Q + S, N]."""
        queries = tf.shape(context.queries)[1]
        present = context.pair_mask
        x = pair_features(logits[:, :queries], context.neighbors, present)
        x = tf.concat([x, _sizes(x, context)], axis=-1)
        guess = zero_if_absent(self.perceptron(x, present=present), present)[..., 0]
        number = _number_of_queries(context, logits.dtype)
        on_queries = tf.exp(self.log_query) * guess / number
        on_support = tf.exp(self.log_support) * support_gradient(
            logits[:, queries:], context.support_labels, context.class_mask
        )
        return (number - 1) / number * tf.concat([on_queries, on_support], axis=1)


def _number_of_queries(context: Context, dtype: tf.DType) -> tf.Tensor:
    """Q of each episode without its padding, float [B, 1, 1]."""
    if context.query_mask is None:
        return tf.fill((1, 1, 1), tf.cast(tf.shape(context.queries)[1], dtype))
    return tf.reduce_sum(tf.cast(context.query_mask, dtype), axis=1)[:, tf.newaxis, tf.newaxis]


def _sizes(x: tf.Tensor, context: Context) -> tf.Tensor:
    """Logarithms of Q, N and the shots, near 0: float [B, Q, N, 3], of the shape of x but for 3."""
    queries = _number_of_queries(context, x.dtype)
    support = tf.reduce_sum(tf.cast(context.support_labels >= 0, x.dtype), axis=1)
    if context.class_mask is None:
        way = tf.fill((1, 1, 1), tf.cast(tf.shape(x)[2], x.dtype))
    else:
        way = tf.reduce_sum(tf.cast(context.class_mask, x.dtype), axis=2, keepdims=True)
    shots = support[:, tf.newaxis, tf.newaxis] / way
    shape = tf.shape(x)[:3]
    sizes = (tf.math.log(queries) / 3 - 1, tf.math.log(way) - 1.5, tf.math.log(shots) - 0.5)
    return tf.stack([tf.broadcast_to(size, shape) for size in sizes], axis=-1)
