"""xi: from the query predictions of an episode to a guess of the gradient of the loss there.

Two networks for classification. `DenseSyntheticGradient` is the paper's: it sees the N logits of a
query as a vector, so it is tied to N and to the order of the classes. `SetSyntheticGradient` is
ours: it treats the logits as a set of (query, class) pairs, so one network serves any number of
classes, in any order.

Both normalise their hidden units with the statistics of the *present* queries, in training and at
test alike, and of one episode only: an answer never depends on what else was in the batch. Where
episodes of a batch differ in size, `present` says which pairs there are; the rest takes no part.

One network for regression, `PointwiseSyntheticGradient`, sees the number predicted for a query and
nothing else.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.masked_mean import masked_mean

EPSILON = 1e-5  # of PyTorch's BatchNorm; Keras' default is 1e-3

# Logit of a class that is not there: a softmax makes exactly 0 of it, and its products stay finite.
ABSENT = -1e9


@keras.saving.register_keras_serializable("sib_tf")
class EpisodeNormalization(keras.layers.Layer):
    """Standardises each channel over all examples of an episode, then scales and shifts it.

    x [B, ..., C]: mean and (biased) variance are taken over all axes but the first and the last.
    There are no running averages: this is BatchNorm as the released code uses it on one episode.
    Examples that are not `present`, bool [B, ...] or sizes of 1, count for nothing.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates gamma and beta, [C]."""
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x: tf.Tensor, present: tf.Tensor | None = None) -> tf.Tensor:
        """Normalises within each episode; same shape out as in."""
        axes = list(range(1, x.shape.rank - 1))
        present = None if present is None else present[..., tf.newaxis]
        mean = masked_mean(x, axes, present)
        # The mean minimises the variance, so there is no gradient by way of it.
        squares = tf.math.squared_difference(x, tf.stop_gradient(mean))
        variance = masked_mean(squares, axes, present)
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

    def call(self, x: tf.Tensor, present: tf.Tensor | None = None) -> tf.Tensor:
        x = self.norm1(tf.nn.relu(self.dense1(x)), present=present)
        x = self.norm2(tf.nn.relu(self.dense2(x)), present=present)
        return self.dense3(x)


@keras.saving.register_keras_serializable("sib_tf")
class DenseSyntheticGradient(keras.layers.Layer):
    """The paper's xi: a perceptron N -> 8N -> 8N -> N on the logits of each query.

    Source: section 4.2 of the paper; `dni` of the released code.

    Args:
        way: N.
        hidden: units of the two hidden layers; None: 8N.
    """

    def __init__(self, way: int, hidden: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.way = way
        self.hidden = hidden
        self.perceptron = _Perceptron(way, hidden or 8 * way, way, dtype=self.dtype_policy)

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for logits [B, Q, N]."""
        self.perceptron.build((*logits_shape[:-1], self.way))

    def call(self, logits: tf.Tensor, present: tf.Tensor | None = None) -> tf.Tensor:
        """Logits to the synthetic gradient.

        Args:
            logits: float [B, Q, N].
            present: bool [B, Q]: which queries are there; all if left out.

        Returns:
            float [B, Q, N], 0 for a query that is not there.
        """
        return _zero_if_absent(self.perceptron(logits, present=present), present)

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "way": self.way, "hidden": self.hidden}


@keras.saving.register_keras_serializable("sib_tf")
class SetSyntheticGradient(keras.layers.Layer):
    """A set-wise xi: one small perceptron, 9 -> 32 -> 32 -> 1, for every (query, class) pair.

    It does not know the number of classes or their order: permuting the classes permutes its
    output. What it knows of a pair are `pair_features` below, among them what is predicted for
    queries that look alike. Not in the paper.

    Args:
        hidden: units of the two hidden layers; None: 32.
    """

    NUM_FEATURES = 9

    def __init__(self, hidden: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        self.perceptron = _Perceptron(self.NUM_FEATURES, hidden or 32, 1, dtype=self.dtype_policy)

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights, whatever the shape of the logits [B, Q, N]."""
        self.perceptron.build((*logits_shape, self.NUM_FEATURES))

    def call(
        self, logits: tf.Tensor, neighbors: tf.Tensor, present: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Logits to the synthetic gradient.

        Args:
            logits: float [B, Q, N].
            neighbors: float [B, Q, Q], as of `neighbors.neighbor_weights`.
            present: bool [B, Q, N] or sizes of 1: which pairs are there; all if left out.

        Returns:
            float [B, Q, N], 0 for a pair that is not there.
        """
        x = pair_features(logits, neighbors, present)
        return _zero_if_absent(self.perceptron(x, present=present), present)[..., 0]

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "hidden": self.hidden}


@keras.saving.register_keras_serializable("sib_tf")
class PointwiseSyntheticGradient(keras.layers.Layer):
    """xi of a regression: a perceptron 1 -> 8 -> 8 -> 1 with ReLU on the prediction of each query.

    Its guess for a query depends on nothing else; there is nothing to normalise.

    Source: section 4.1 of the paper.

    Args:
        hidden: units of the two hidden layers.
    """

    def __init__(self, hidden: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        policy = self.dtype_policy
        self.layers = [_dense(hidden, 1, policy), _dense(hidden, hidden, policy)]
        self.last = _dense(1, hidden, policy)

    def build(self, predictions_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for predictions [B, Q]."""
        sizes = (1, self.hidden, self.hidden)
        for layer, size in zip([*self.layers, self.last], sizes, strict=True):
            layer.build((*predictions_shape, size))

    def call(self, predictions: tf.Tensor) -> tf.Tensor:
        """Predictions, float [B, Q], to the synthetic gradient, float [B, Q]."""
        x = predictions[..., tf.newaxis]
        for layer in self.layers:
            x = tf.nn.relu(layer(x))
        return self.last(x)[..., 0]

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "hidden": self.hidden}


def pair_features(
    logits: tf.Tensor, neighbors: tf.Tensor, present: tf.Tensor | None = None
) -> tf.Tensor:
    """Describes each (query, class) pair by itself and by its context in the episode.

    Args:
        logits: float [B, Q, N].
        neighbors: float [B, Q, Q], rows sum to 1: how much each query counts for each.
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
            tf.matmul(neighbors, p),
        ],
        axis=-1,
    )
    return _zero_if_absent(features, present)


def _zero_if_absent(x: tf.Tensor, present: tf.Tensor | None) -> tf.Tensor:
    """Zeros in place of the channels [C] of x [B, ..., C] where `present` [B, ...] is false."""
    return x if present is None else tf.where(present[..., tf.newaxis], x, 0)
