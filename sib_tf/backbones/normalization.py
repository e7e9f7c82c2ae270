"""BatchNorm as in PyTorch, which the paper's backbones were trained with."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("sib_tf")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """BatchNormalization of images [B, H, W, C] by TensorFlow's fused kernel.

    Keras 3 computes it out of some twenty elementwise kernels, which takes more of a training step
    on a CPU than the convolutions do. As in PyTorch, and unlike Keras, the running variance is of
    unbiased estimates. float32 and half precision.

    Under a `tf.distribute` strategy the statistics are synchronised: those of the whole batch, not
    of the part that a replica has.
    """

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalises by the batch in training, which updates the running averages, else by those.

        Args:
            images: float [B, H, W, C].
            training: whether the statistics are those of the batch; as everywhere in Keras, not
                those of a layer that is frozen (`trainable=False`).

        Returns:
            float [B, H, W, C].
        """
        training = training and self.trainable
        if training and tf.distribute.get_strategy().num_replicas_in_sync > 1:
            normalized, mean, variance = self._synchronized(images)
        else:
            normalized, mean, variance = self._fused(images, training)
        if training:
            for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(self.momentum * average + (1.0 - self.momentum) * new)
        return normalized

    def _fused(self, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Normalised images [B, H, W, C], the mean [C] and the unbiased variance [C]."""
        return tf.compat.v1.nn.fused_batch_norm(
            images,
            scale=self.gamma,
            offset=self.beta,
            mean=None if training else self.moving_mean,
            variance=None if training else self.moving_variance,
            epsilon=self.epsilon,
            is_training=training,
        )

    def _synchronized(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The same by the statistics of all replicas, which have as many images each.

        Keras' own synchronised moments are E[x^2] - E[x]^2, which loses digits, and take three
        messages instead of two.
        """
        replica = tf.distribute.get_replica_context()
        x = tf.cast(images, tf.float32)

        def mean_of_all(values: tf.Tensor) -> tf.Tensor:
            return replica.all_reduce("MEAN", tf.reduce_mean(values, axis=(0, 1, 2)))

        mean = mean_of_all(x)
        variance = mean_of_all(tf.math.squared_difference(x, mean))
        normalized = tf.nn.batch_normalization(
            x, mean, variance, self.beta, self.gamma, self.epsilon
        )
        count = tf.cast(tf.size(x) // tf.size(mean) * replica.num_replicas_in_sync, tf.float32)
        return tf.cast(normalized, images.dtype), mean, variance * count / (count - 1.0)


def batch_norm(name: str, epsilon: float = 1e-5) -> FusedBatchNormalization:
    """BatchNorm with PyTorch's constants; Keras' defaults are 1e-3 and 0.99.

    Args:
        name: name of the layer.
        epsilon: what is added to the variance.
    """
    return FusedBatchNormalization(epsilon=epsilon, momentum=0.9, name=name)
