"""lambda: theta^0, the weights before any query is seen; from the support set if there is one."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("sib_tf")
class PrototypeInitialization(keras.layers.Layer):
    """theta^0_n = diagonal * mean over the support examples of class n of f / ||f||.

    Each support feature is normalised first, then averaged within its class, then scaled by a
    learned diagonal (D weights, 1 at first). Classes may have different numbers of examples. A
    negative label marks padding: the example counts for no class.

    Source: section 4.2 of the paper; `wnLayerFavg` of the released code.
    """

    def build(self, support_features_shape: tuple[int | None, ...], *_: tuple) -> None:
        """Creates the diagonal, [D]."""
        self.diagonal = self.add_weight(
            name="diagonal", shape=(support_features_shape[-1],), initializer="ones"
        )

    def call(self, support_features: tf.Tensor, support_labels: tf.Tensor, way: int) -> tf.Tensor:
        """Averages the support set by class.

        Args:
            support_features: float [B, S, D].
            support_labels: int [B, S], 0 .. way-1, or negative for padding.
            way: N.

        Returns:
            theta^0, float [B, N, D]. A class without an example gets zeros.
        """
        membership = tf.one_hot(support_labels, way, dtype=support_features.dtype)
        shots = tf.reduce_sum(membership, axis=1)[..., tf.newaxis]
        sums = tf.matmul(
            membership, tf.math.l2_normalize(support_features, axis=-1), transpose_a=True
        )
        return tf.math.divide_no_nan(sums, shots) * self.diagonal

    def compute_output_shape(
        self, support_features_shape: tuple, support_labels_shape: tuple, way: int
    ) -> tuple[int | None, ...]:
        """Shape of theta^0, [B, N, D]."""
        del support_labels_shape
        return (support_features_shape[0], way, support_features_shape[-1])


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
