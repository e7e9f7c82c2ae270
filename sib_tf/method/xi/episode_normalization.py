"""BatchNorm as xi uses it: over the present queries of one episode."""

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
