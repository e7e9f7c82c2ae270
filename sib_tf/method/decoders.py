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
        # Scaling the Q x N products is cheaper than scaling the vectors, above all in the gradient.
        products = tf.matmul(features, theta, transpose_b=True)
        lengths = tf.matmul(_length(features), _length(theta), transpose_b=True)
        cosine = products / lengths
        return self.scale * (cosine + self.bias)

    def compute_output_shape(self, features_shape: tuple, theta_shape: tuple) -> tuple:
        """Shape of the logits, [B, Q, N]."""
        return (*features_shape[:2], theta_shape[1])


def linear(features: tf.Tensor, theta: tf.Tensor) -> tf.Tensor:
    """The prediction of a linear regression, yhat = <theta, f>.

    Args:
        features: float [B, Q, D].
        theta: float [B, D].

    Returns:
        Predictions, float [B, Q].
    """
    return tf.linalg.matvec(features, theta)


def _length(vectors: tf.Tensor) -> tf.Tensor:
    """L2 norms [..., D] -> [..., 1], at least 1e-6, so that a zero vector has cosine 0 with all."""
    squares = tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True)
    return tf.sqrt(tf.maximum(squares, 1e-12))
