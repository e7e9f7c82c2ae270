"""Conv-4: the small backbone of few-shot learning."""

import dataclasses
from typing import ClassVar

import keras

from sib_tf.backbones.backbone import Backbone
from sib_tf.backbones.normalization import batch_norm


@dataclasses.dataclass(frozen=True)
class Conv4(Backbone):
    """Four times 3x3 convolution without bias, BatchNorm, ReLU, 2x2 max-pool; then flattened.

    Layers with weights have the names of the released code, for `released_weights`. There are
    D = width * (image_size // 16)^2 features, flattened channel-first as the released code does.

    Attributes:
        width: channels of each convolution.
    """

    sizes: ClassVar[tuple[str, ...]] = ("WIDTH",)
    example: ClassVar[str] = "conv4_64"
    smallest: ClassVar[int] = 16  # four times halved

    width: int

    def build(self) -> keras.Model:
        """Fresh weights, of He's normal distribution."""
        images = x = keras.Input((self.image_size, self.image_size, 3), name="images")
        for block in range(4):
            x = keras.layers.Conv2D(
                self.width,
                3,
                padding="same",
                use_bias=False,
                name=f"conv_blocks.{block}.layers.Conv",
                kernel_initializer="he_normal",
            )(x)
            x = batch_norm(f"conv_blocks.{block}.layers.BatchNorm")(x)
            # The two commute, and this order leaves the ReLU a quarter of the work.
            x = keras.layers.MaxPooling2D(2, name=f"pool{block}")(x)
            x = keras.layers.ReLU(name=f"relu{block}")(x)
        x = keras.layers.Permute((3, 1, 2), name="channel_first")(x)
        return keras.Model(images, keras.layers.Flatten(name="features")(x), name=self.name)
