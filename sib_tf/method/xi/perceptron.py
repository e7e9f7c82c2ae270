"""The multi-layer perceptron inside a xi."""

import math
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.xi.episode_normalization import EpisodeNormalization


def torch_dense(units: int, fan_in: int, dtype: keras.DTypePolicy) -> keras.layers.Dense:
    """A Dense layer that starts as PyTorch's Linear: all of U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    limit = 1.0 / math.sqrt(fan_in)
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
        bias_initializer=keras.initializers.RandomUniform(-limit, limit),
        dtype=dtype,
    )


class Perceptron(keras.layers.Layer):
    """Twice Dense, ReLU, EpisodeNormalization (in this order), then Dense.

    Args:
        inputs: channels that come in.
        hidden: units of the two hidden layers.
        outputs: channels that go out.
        conditions: M, numbers about the episode that the normalisations depend on.
    """

    def __init__(
        self, inputs: int, hidden: int, outputs: int, conditions: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._inputs = inputs
        self.dense1 = torch_dense(hidden, inputs, self.dtype_policy)
        self.norm1 = EpisodeNormalization(conditions, dtype=self.dtype_policy)
        self.dense2 = torch_dense(hidden, hidden, self.dtype_policy)
        self.norm2 = EpisodeNormalization(conditions, dtype=self.dtype_policy)
        self.dense3 = torch_dense(outputs, hidden, self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights."""
        leading = tuple(input_shape[:-1])
        hidden = (*leading, self.dense1.units)
        self.dense1.build((*leading, self._inputs))
        for layer in (self.norm1, self.dense2, self.norm2, self.dense3):
            layer.build(hidden)

    def call(
        self, x: tf.Tensor, present: tf.Tensor | None = None, about: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Channels to channels.

        Args:
            x: float [B, ..., C].
            present: bool [B, ...], what is there; None if everything is.
            about: float [B, M], numbers about the episode; None without conditions.
        """
        x = self.norm1(tf.nn.relu(self.dense1(x)), present=present, about=about)
        x = self.norm2(tf.nn.relu(self.dense2(x)), present=present, about=about)
        return self.dense3(x)
