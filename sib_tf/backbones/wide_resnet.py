"""WRN: pre-activation wide residual networks, the large backbone of the paper."""

import dataclasses
from typing import ClassVar

import keras

from sib_tf.backbones.backbone import Backbone
from sib_tf.backbones.normalization import batch_norm
from sib_tf.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class WideResNet(Backbone):
    """A 3x3 convolution, three stages of residual blocks, BatchNorm, ReLU, mean over the image.

    Up to 32 pixels the first stage keeps the resolution, above it halves it; the second and the
    third always halve it. There are D = 64 * width features.

    Source: `WideResNet` of the released code, whose names the layers with weights have, for
    `released_weights`.

    Attributes:
        depth: 6n + 4, with n > 0 blocks in each stage.
        width: factor on the channels of the stages, 16, 32 and 64.

    Raises:
        UserError: if there is no such network of this depth.
    """

    sizes: ClassVar[tuple[str, ...]] = ("DEPTH", "WIDTH")
    example: ClassVar[str] = "wrn_28_10"

    depth: int
    width: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 10 or self.depth % 6 != 4:
            raise UserError(
                f'backbone="{self.name}" cannot have the depth {self.depth}: it must be 6n + 4, '
                "such as 10, 16 or 28."
            )

    def build(self) -> keras.Model:
        """Fresh weights, of He's normal distribution over the fan-out."""
        images = keras.Input((self.image_size, self.image_size, 3), name="images")
        x = _convolve(images, 16, size=3, stride=1, name="conv1")
        for stage, stride in enumerate((1 if self.image_size <= 32 else 2, 2, 2)):
            for block in range((self.depth - 4) // 6):
                x = _residual_block(
                    x,
                    channels=16 * self.width * 2**stage,
                    stride=stride if block == 0 else 1,
                    name=f"block{stage + 1}.layer.{block}",
                )
        x = _activate(x, "bn1")
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
        return keras.Model(images, x, name=self.name)


def _residual_block(
    x: keras.KerasTensor, channels: int, stride: int, name: str
) -> keras.KerasTensor:
    """Twice BatchNorm, ReLU, 3x3 convolution, plus a shortcut.

    The shortcut is a 1x1 convolution of the *activated* input where the block changes the shape,
    else the *raw* input.
    """
    activated = _activate(x, f"{name}.bn1")
    y = _convolve(activated, channels, size=3, stride=stride, name=f"{name}.conv1")
    y = _activate(y, f"{name}.bn2")
    y = _convolve(y, channels, size=3, stride=1, name=f"{name}.conv2")
    if stride > 1 or x.shape[-1] != channels:
        x = _convolve(activated, channels, size=1, stride=stride, name=f"{name}.convShortcut")
    return keras.layers.Add(name=f"{name}.sum")([x, y])


def _activate(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.ReLU(name=f"{name}.relu")(batch_norm(name)(x))


def _convolve(
    x: keras.KerasTensor, channels: int, size: int, stride: int, name: str
) -> keras.KerasTensor:
    """A convolution without bias that pads each side by size // 2, as PyTorch does.

    With a stride, Keras' padding="same" would pad an even image on the right and below only.
    """
    if stride > 1 and size > 1:
        x = keras.layers.ZeroPadding2D(size // 2, name=f"{name}.padding")(x)
    convolution = keras.layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=name,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, mode="fan_out", distribution="untruncated_normal"
        ),
    )
    return convolution(x)
