"""A network that no call can change."""

import keras


@keras.saving.register_keras_serializable("sib_tf")
class Frozen(keras.layers.Wrapper):
    """A layer in evaluation mode, however it is called.

    `trainable=False` stops BatchNorm from training, but neither Dropout nor stochastic depth, and
    a Functional model hands `training=True` on even to a layer that was called without.
    """

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """What the layer makes of images [B, H, W, 3]."""
        return self.layer(images, training=False)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """That of the layer."""
        return self.layer.compute_output_shape(input_shape)
