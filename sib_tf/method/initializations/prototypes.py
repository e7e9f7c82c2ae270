"""theta^0 from the means of the support features."""

from typing import ClassVar

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("sib_tf")
class ClassMeans(keras.layers.Layer):
    """theta^0_n = mean over the support examples of class n of f / ||f||; nothing is learned.

    Each support feature is normalised first, then averaged within its class. Classes may have
    different numbers of examples. A negative label marks padding: the example counts for no class.
    """

    any_features: ClassVar[bool] = True

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
        return tf.math.divide_no_nan(sums, shots)

    def compute_output_shape(
        self, support_features_shape: tuple, support_labels_shape: tuple, way: int
    ) -> tuple[int | None, ...]:
        """Shape of theta^0, [B, N, D]."""
        del support_labels_shape
        return (support_features_shape[0], way, support_features_shape[-1])


@keras.saving.register_keras_serializable("sib_tf")
class PrototypeInitialization(ClassMeans):
    """theta^0_n = diagonal * mean over the support examples of class n of f / ||f||.

    The diagonal is learned: D weights, 1 at first.

    Source: section 4.2 of the paper; `wnLayerFavg` of the released code.
    """

    any_features: ClassVar[bool] = False

    def build(self, support_features_shape: tuple[int | None, ...], *_: tuple) -> None:
        """Creates the diagonal, [D].

        Raises:
            ValueError: if D is not known.
        """
        if support_features_shape[-1] is None:
            raise ValueError("The diagonal has a weight for each feature: give feature_dim.")
        self.diagonal = self.add_weight(
            name="diagonal", shape=(support_features_shape[-1],), initializer="ones"
        )

    def call(self, support_features: tf.Tensor, support_labels: tf.Tensor, way: int) -> tf.Tensor:
        """Averages the support set by class and scales it; arguments as of `ClassMeans.call`."""
        return super().call(support_features, support_labels, way) * self.diagonal
