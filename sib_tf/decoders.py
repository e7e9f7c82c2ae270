"""p(y | x, theta): from the weights of a task to predictions for its queries."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("sib_tf")
class CosineClassifier(keras.layers.Layer):
    """logit_n = scale * (cos(f, theta_n) + bias), with a learned scale (10 at first) and bias (0).

    Source: `scale_cls` and `bias` of the released code.
    """

    def build(self, features_shape: tuple[int | None, ...], *_: tuple) -> None:
        """Creates the two scalars."""
        del features_shape
        self.scale = self.add_weight(
            name="scale", shape=(), initializer=keras.initializers.Constant(10.0)
        )
        self.bias = self.add_weight(name="bias", shape=(), initializer="zeros")

    def call(self, features: tf.Tensor, theta: tf.Tensor) -> tf.Tensor:
        """Compares each feature with the weights of each class.

        Args:
            features: float [B, Q, D].
            theta: float [B, N, D].

        Returns:
            Logits, float [B, Q, N].
        """
        cosine = tf.matmul(
            tf.math.l2_normalize(features, axis=-1),
            tf.math.l2_normalize(theta, axis=-1),
            transpose_b=True,
        )
        return self.scale * (cosine + self.bias)

    def compute_output_shape(self, features_shape: tuple, theta_shape: tuple) -> tuple:
        """Shape of the logits, [B, Q, N]."""
        return (*features_shape[:2], theta_shape[1])
