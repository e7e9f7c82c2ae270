"""phi: the backbones that a config can name."""

import re

import keras

from sib_tf.backbones.backbone import Backbone
from sib_tf.backbones.conv4 import Conv4
from sib_tf.backbones.efficientnet_lite import EfficientNetLite0
from sib_tf.backbones.keras_application import KerasApplication
from sib_tf.backbones.keras_hub_encoder import KerasHubEncoder
from sib_tf.backbones.resnet import ResNet
from sib_tf.backbones.wide_resnet import WideResNet
from sib_tf.base.errors import UserError
from sib_tf.base.registry import Registry

BACKBONES: Registry[type[Backbone]] = Registry("backbone")
BACKBONES["conv4"] = Conv4
BACKBONES["efficientnet_lite0"] = EfficientNetLite0
BACKBONES["resnet"] = ResNet
BACKBONES["wrn"] = WideResNet
BACKBONES["keras_applications"] = KerasApplication
BACKBONES["keras_hub"] = KerasHubEncoder

_SIZES = re.compile(r"(_[1-9]\d*)*\Z")


def build(name: str, image_size: int) -> keras.Model:
    """A backbone of this name, from standardised images [B, H, W, 3] to features [B, D].

    Args:
        name: name of the backbone, see `find`.
        image_size: H = W of the images.

    Raises:
        UserError: if there is no such backbone, see `find`.
    """
    return find(name, image_size).build()


def find(name: str, image_size: int) -> Backbone:
    """The backbone of a name, refused at once if it cannot be built.

    Args:
        name: name of an entry of `BACKBONES`, then its sizes, "conv4_64" or "wrn_28_10", or what a
            library calls the network, "keras_applications/MobileNetV2".
        image_size: H = W of the images; 0: the backbone's `default_size`.

    Raises:
        UserError: if the name is unknown, or the backbone has no such sizes or is not for such
            images.
    """
    entry, separator, arguments = _split(name)
    known = BACKBONES.get(entry)
    if known is None or (separator, len(arguments)) != (known.separator, len(known.sizes)):
        raise UserError(f'backbone="{name}" is unknown: use {_known()}.')
    return known(name, image_size, *arguments)


def _split(name: str) -> tuple[str, str, list[int | str]]:
    """The parts of "wrn_28_10", wrn, _ and 28, 10; or of "keras_hub/hf://x/y", / and one text."""
    if "/" in name:
        entry, text = name.split("/", maxsplit=1)
        return entry, "/", [text] if text else []
    ending = _SIZES.search(name)[0]
    return name.removesuffix(ending), "_", [int(size) for size in ending.split("_")[1:]]


def _known() -> str:
    return ", or ".join(
        f'{backbone.separator.join((entry, *backbone.sizes))}, such as "{backbone.example}"'
        for entry, backbone in BACKBONES.items()
    )
