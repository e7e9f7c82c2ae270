"""xi: from the query predictions of an episode to a guess of the gradient of the loss there.

Two networks. `DenseSyntheticGradient` is the paper's: it sees the N logits of a query as a vector,
so it is tied to N and to the order of the classes. `SetSyntheticGradient` is ours: it treats the
logits as a set of (query, class) pairs, so one network serves any number of classes, in any order.

Both normalise their hidden units with the statistics of the *present* queries, in training and at
test alike, and of one episode only: an answer never depends on what else was in the batch.
"""

import math
from typing import Any

import keras
import tensorflow as tf

EPSILON = 1e-5  # of PyTorch's BatchNorm; Keras' default is 1e-3


@keras.saving.register_keras_serializable("sib_tf")
class EpisodeNormalization(keras.layers.Layer):
    """Standardises each channel over all examples of an episode, then scales and shifts it.

    x [B, ..., C]: mean and (biased) variance are taken over all axes but the first and the last.
    There are no running averages: this is BatchNorm as the released code uses it on one episode.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates gamma and beta, [C]."""
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Normalises within each episode; same shape out as in."""
        axes = list(range(1, x.shape.rank - 1))
        mean, variance = tf.nn.moments(x, axes, keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, EPSILON)


def _dense(units: int, fan_in: int, dtype: keras.DTypePolicy) -> keras.layers.Dense:
    """A Dense layer that starts as PyTorch's Linear: all of U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    limit = 1.0 / math.sqrt(fan_in)
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
        bias_initializer=keras.initializers.RandomUniform(-limit, limit),
        dtype=dtype,
    )


class _Perceptron(keras.layers.Layer):
    """Twice Dense, ReLU, EpisodeNormalization (in this order), then Dense. [B, ..., C] in."""

    def __init__(self, inputs: int, hidden: int, outputs: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._inputs = inputs
        self.dense1 = _dense(hidden, inputs, self.dtype_policy)
        self.norm1 = EpisodeNormalization(dtype=self.dtype_policy)
        self.dense2 = _dense(hidden, hidden, self.dtype_policy)
        self.norm2 = EpisodeNormalization(dtype=self.dtype_policy)
        self.dense3 = _dense(outputs, hidden, self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        leading = tuple(input_shape[:-1])
        hidden = (*leading, self.dense1.units)
        self.dense1.build((*leading, self._inputs))
        for layer in (self.norm1, self.dense2, self.norm2, self.dense3):
            layer.build(hidden)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = self.norm1(tf.nn.relu(self.dense1(x)))
        x = self.norm2(tf.nn.relu(self.dense2(x)))
        return self.dense3(x)


@keras.saving.register_keras_serializable("sib_tf")
class DenseSyntheticGradient(keras.layers.Layer):
    """The paper's xi: a perceptron N -> 8N -> 8N -> N on the logits of each query.

    Source: section 4.2 of the paper; `dni` of the released code.

    Args:
        way: N.
    """

    def __init__(self, way: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.way = way
        self.perceptron = _Perceptron(way, 8 * way, way, dtype=self.dtype_policy)

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for logits [B, Q, N]."""
        self.perceptron.build((*logits_shape[:-1], self.way))

    def call(self, logits: tf.Tensor) -> tf.Tensor:
        """Logits, float [B, Q, N], to the synthetic gradient, float [B, Q, N]."""
        return self.perceptron(logits)

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "way": self.way}


@keras.saving.register_keras_serializable("sib_tf")
class SetSyntheticGradient(keras.layers.Layer):
    """A set-wise xi: one small perceptron, 8 -> 32 -> 32 -> 1, for every (query, class) pair.

    It does not know the number of classes or their order: permuting the classes permutes its
    output. What it knows of a pair are `pair_features` below. Not in the paper.

    Args:
        hidden: units of the two hidden layers.
    """

    NUM_FEATURES = 8

    def __init__(self, hidden: int = 32, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        self.perceptron = _Perceptron(self.NUM_FEATURES, hidden, 1, dtype=self.dtype_policy)

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights, whatever the shape of the logits [B, Q, N]."""
        self.perceptron.build((*logits_shape, self.NUM_FEATURES))

    def call(self, logits: tf.Tensor) -> tf.Tensor:
        """Logits, float [B, Q, N], to the synthetic gradient, float [B, Q, N]."""
        return self.perceptron(pair_features(logits))[..., 0]

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "hidden": self.hidden}


def pair_features(logits: tf.Tensor) -> tf.Tensor:
    """Describes each (query, class) pair by itself and by its context in the episode.

    Args:
        logits: float [B, Q, N].

    Returns:
        float [B, Q, N, 8]: the logit less the query's mean logit; log p; p; p^2; the class's share
        of the batch, mean over the queries of p; the query's largest p; the query's entropy (nats);
        and p over the share, normalised over the classes (what p would be if all classes were
        equally frequent).
    """
    log_p = tf.nn.log_softmax(logits)
    p = tf.exp(log_p)
    share = tf.reduce_mean(p, axis=1, keepdims=True)
    shape = tf.shape(logits)
    return tf.stack(
        [
            logits - tf.reduce_mean(logits, axis=-1, keepdims=True),
            log_p,
            p,
            tf.square(p),
            tf.broadcast_to(share, shape),
            tf.broadcast_to(tf.reduce_max(p, axis=-1, keepdims=True), shape),
            tf.broadcast_to(-tf.reduce_sum(p * log_p, axis=-1, keepdims=True), shape),
            tf.nn.softmax(log_p - tf.math.log(share)),
        ],
        axis=-1,
    )
