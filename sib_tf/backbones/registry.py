"""phi: the backbones that a config can name."""

import re

import keras

from sib_tf.backbones.backbone import Backbone
from sib_tf.backbones.conv4 import Conv4
from sib_tf.backbones.efficientnet_lite import EfficientNetLite0
from sib_tf.backbones.wide_resnet import WideResNet
from sib_tf.base.errors import UserError
from sib_tf.base.registry import Registry

BACKBONES: Registry[type[Backbone]] = Registry("backbone")
BACKBONES["conv4"] = Conv4
BACKBONES["efficientnet_lite0"] = EfficientNetLite0
BACKBONES["wrn"] = WideResNet

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
        name: name of an entry of `BACKBONES`, then its sizes: "conv4_64", "wrn_28_10".
        image_size: H = W of the images.

    Raises:
        UserError: if the name is unknown, or the backbone has no such sizes or is not for such
            images.
    """
    ending = _SIZES.search(name)[0]
    entry, sizes = name.removesuffix(ending), [int(size) for size in ending.split("_")[1:]]
    if entry not in BACKBONES or len(sizes) != len(BACKBONES[entry].sizes):
        raise UserError(f'backbone="{name}" is unknown: use {_known()}.')
    return BACKBONES[entry](name, image_size, *sizes)


def _known() -> str:
    return ", or ".join(
        f'{"_".join((entry, *backbone.sizes))}, such as "{backbone.example}"'
        for entry, backbone in BACKBONES.items()
    )
