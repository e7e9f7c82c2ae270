"""BatchNorm as in PyTorch, which the paper's backbones were trained with."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("sib_tf")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """BatchNormalization of images [B, H, W, C] by TensorFlow's fused kernel.

    Keras 3 computes it out of some twenty elementwise kernels, which takes more of a training step
    on a CPU than the convolutions do. As in PyTorch, and unlike Keras, the running variance is of
    unbiased estimates. float32 and half precision.
    """

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalises by the batch in training, which updates the running averages, else by those.

        Args:
            images: float [B, H, W, C].
            training: whether the statistics are those of the batch.

        Returns:
            float [B, H, W, C].
        """
        normalized, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            images,
            scale=self.gamma,
            offset=self.beta,
            mean=None if training else self.moving_mean,
            variance=None if training else self.moving_variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(self.momentum * average + (1.0 - self.momentum) * new)
        return normalized


def batch_norm(name: str) -> FusedBatchNormalization:
    """BatchNorm with PyTorch's constants; Keras' defaults are 1e-3 and 0.99."""
    return FusedBatchNormalization(epsilon=1e-5, momentum=0.9, name=name)
