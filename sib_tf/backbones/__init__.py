"""phi: backbones, from standardised images [B, H, W, 3] to features [B, D]."""

import re

import keras

from sib_tf.backbones.conv4 import conv4
from sib_tf.errors import UserError


def build(name: str, image_size: int) -> keras.Model:
    """A backbone with fresh weights.

    Args:
        name: "conv4_WIDTH", such as "conv4_64".
        image_size: H = W.

    Raises:
        UserError: an unknown name.
    """
    if match := re.fullmatch(r"conv4_(\d+)", name):
        return conv4(image_size, width=int(match[1]))
    raise UserError(f'config.backbone="{name}" is unknown: use "conv4_64" or another conv4_WIDTH.')
