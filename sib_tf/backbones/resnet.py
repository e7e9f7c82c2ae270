"""ResNet-18, the backbone of the paper's zero-shot classification."""

import dataclasses
from typing import ClassVar

import keras

from sib_tf.backbones.backbone import Backbone
from sib_tf.backbones.normalization import batch_norm
from sib_tf.base.errors import UserError

_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}  # of each stage, by depth


@dataclasses.dataclass(frozen=True)
class ResNet(Backbone):
    """A 7x7 convolution, max-pooling, four stages of residual blocks, mean over the image; D = 512.

    Convolutions pad as PyTorch's. The weights are fresh.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.

    Attributes:
        depth: 18 or 34.

    Raises:
        UserError: if there is no such network of this depth.
    """

    sizes: ClassVar[tuple[str, ...]] = ("DEPTH",)
    example: ClassVar[str] = "resnet_18"
    smallest: ClassVar[int] = 32  # five times halved

    depth: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth not in _BLOCKS:
            raise UserError(
                f'backbone="{self.name}" cannot have the depth {self.depth}: use 18 or 34.'
            )

    def build(self) -> keras.Model:
        """Fresh weights, of He's normal distribution over the fan-out."""
        images = keras.Input((self.image_size, self.image_size, 3), name="images")
        x = _convolve(images, 64, size=7, stride=2, name="conv1")
        x = keras.layers.ReLU(name="relu")(batch_norm("bn1")(x))
        x = keras.layers.ZeroPadding2D(1, name="maxpool.padding")(x)  # of what is 0 or more
        x = keras.layers.MaxPooling2D(3, strides=2, name="maxpool")(x)
        for stage, blocks in enumerate(_BLOCKS[self.depth]):
            for block in range(blocks):
                x = _basic_block(
                    x,
                    channels=64 * 2**stage,
                    stride=2 if stage and not block else 1,
                    name=f"layer{stage + 1}.{block}",
                )
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
        return keras.Model(images, x, name=self.name)


def _basic_block(x: keras.KerasTensor, channels: int, stride: int, name: str) -> keras.KerasTensor:
    """Twice 3x3 convolution and BatchNorm, plus the input, or a 1x1 convolution to its shape."""
    y = _convolve(x, channels, size=3, stride=stride, name=f"{name}.conv1")
    y = keras.layers.ReLU(name=f"{name}.relu1")(batch_norm(f"{name}.bn1")(y))
    y = _convolve(y, channels, size=3, stride=1, name=f"{name}.conv2")
    y = batch_norm(f"{name}.bn2")(y)
    if y.shape != x.shape:
        x = _convolve(x, channels, size=1, stride=stride, name=f"{name}.downsample.0")
        x = batch_norm(f"{name}.downsample.1")(x)
    return keras.layers.ReLU(name=f"{name}.relu2")(keras.layers.Add(name=f"{name}.sum")([x, y]))


def _convolve(
    x: keras.KerasTensor, channels: int, size: int, stride: int, name: str
) -> keras.KerasTensor:
    """A convolution without bias that pads each side by size // 2."""
    if size > 1:
        x = keras.layers.ZeroPadding2D(size // 2, name=f"{name}.padding")(x)
    return keras.layers.Conv2D(
        channels,
        size,
        strides=stride,
        use_bias=False,
        name=name,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, mode="fan_out", distribution="untruncated_normal"
        ),
    )(x)
