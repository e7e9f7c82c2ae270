"""theta^0 of tasks without a support set."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("sib_tf")
class LearnedInitialization(keras.layers.Layer):
    """theta^0 of tasks without a support set: D learned weights (0 at first), the same for all.

    Source: section 4.1 of the paper.

    Args:
        dim: D.
    """

    def __init__(self, dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = dim

    def build(self, *_: tuple) -> None:
        """Creates the weights, [D]."""
        self.theta = self.add_weight(name="theta", shape=(self.dim,), initializer="zeros")

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Theta^0, float [B, D], for features [B, Q, D], of which only B counts."""
        return tf.broadcast_to(self.theta, [tf.shape(features)[0], self.dim])

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "dim": self.dim}
