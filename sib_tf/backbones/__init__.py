"""phi: backbones, from standardised images [B, H, W, 3] to features [B, D]."""

import re

import keras

from sib_tf.backbones.conv4 import conv4
from sib_tf.backbones.wide_resnet import wide_resnet
from sib_tf.errors import UserError


def build(name: str, image_size: int) -> keras.Model:
    """A backbone with fresh weights, named `name`.

    Args:
        name: "conv4_WIDTH", such as "conv4_64", or "wrn_DEPTH_WIDTH", such as "wrn_28_10".
        image_size: H = W.

    Raises:
        UserError: an unknown name, or a depth that no wide residual network has.
    """
    if match := re.fullmatch(r"conv4_([1-9]\d*)", name):
        return conv4(image_size, width=int(match[1]))
    if match := re.fullmatch(r"wrn_([1-9]\d*)_([1-9]\d*)", name):
        return wide_resnet(image_size, depth=int(match[1]), width=int(match[2]))
    raise UserError(
        f'config.backbone="{name}" is unknown: use conv4_WIDTH, such as "conv4_64", or '
        'wrn_DEPTH_WIDTH, such as "wrn_28_10".'
    )
