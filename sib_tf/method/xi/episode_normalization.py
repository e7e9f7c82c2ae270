"""BatchNorm as xi uses it: over the present queries of one episode."""

from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.presence import masked_mean

EPSILON = 1e-5  # PyTorch's; Keras' default is 1e-3


@keras.saving.register_keras_serializable("sib_tf")
class EpisodeNormalization(keras.layers.Layer):
    """Standardises each channel over all examples of an episode, then scales and shifts it.

    x [B, ..., C]: mean and (biased) variance are taken over all axes but the first and the last.
    There are no running averages: this is BatchNorm as the released code uses it on one episode.
    Examples that are not `present`, bool [B, ...] or sizes of 1, count for nothing.

    Whatever is the same for all examples of an episode is lost in its normalisation. What should
    count nevertheless, M numbers `about` the episode, float [B, M], changes scale and shift:

        gamma + about @ gamma_by,    beta + about @ beta_by

    Source: Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018.

    Args:
        conditions: M; 0: scale and shift are the same in all episodes.
    """

    def __init__(self, conditions: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conditions = conditions

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates gamma and beta, [C], and what they depend on, [M, C] (zeros at first)."""
        channels = input_shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")
        if self.conditions:
            self.gamma_by, self.beta_by = (
                self.add_weight(name=name, shape=(self.conditions, channels), initializer="zeros")
                for name in ("gamma_by", "beta_by")
            )

    def call(
        self, x: tf.Tensor, present: tf.Tensor | None = None, about: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Normalises within each episode; same shape out as in."""
        axes = list(range(1, x.shape.rank - 1))
        present = None if present is None else present[..., tf.newaxis]
        mean = masked_mean(x, axes, present)
        # The mean minimises the variance, so there is no gradient by way of it.
        squares = tf.math.squared_difference(x, tf.stop_gradient(mean))
        variance = masked_mean(squares, axes, present)
        gamma, beta = self.gamma, self.beta
        if self.conditions:
            about = tf.reshape(about, [-1, *[1] * len(axes), self.conditions])
            gamma += tf.matmul(about, self.gamma_by)
            beta += tf.matmul(about, self.beta_by)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, EPSILON)

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "conditions": self.conditions}
