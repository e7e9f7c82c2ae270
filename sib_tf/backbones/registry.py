"""phi: backbones, from standardised images [B, H, W, 3] to features [B, D]."""

import functools
import re
from collections.abc import Callable

import keras

from sib_tf.backbones.conv4 import conv4
from sib_tf.backbones.wide_resnet import wide_resnet
from sib_tf.base.errors import UserError


def build(name: str, image_size: int) -> keras.Model:
    """A backbone with fresh weights, named `name`.

    Args:
        name: as in `constructor`.
        image_size: H = W.
    """
    return constructor(name, image_size)()


def constructor(name: str, image_size: int) -> Callable[[], keras.Model]:
    """What builds a backbone: to make it is quick and refuses what cannot be built.

    Args:
        name: "conv4_WIDTH", such as "conv4_64", or "wrn_DEPTH_WIDTH", such as "wrn_28_10".
        image_size: H = W of the images.

    Raises:
        UserError: an unknown name, a depth that no wide residual network has, or images too small
            for Conv-4.
    """
    if match := re.fullmatch(r"conv4_([1-9]\d*)", name):
        if image_size < 16:  # four times halved
            raise UserError(
                f'crop_size={image_size} is too small for backbone="{name}": make it at least 16.'
            )
        return functools.partial(conv4, image_size, width=int(match[1]))
    if match := re.fullmatch(r"wrn_([1-9]\d*)_([1-9]\d*)", name):
        depth, width = int(match[1]), int(match[2])
        if depth < 10 or depth % 6 != 4:
            raise UserError(
                f'backbone="{name}" cannot have the depth {depth}: it must be 6n + 4, such '
                "as 10, 16 or 28."
            )
        return functools.partial(wide_resnet, image_size, depth=depth, width=width)
    raise UserError(
        f'backbone="{name}" is unknown: use conv4_WIDTH, such as "conv4_64", or '
        'wrn_DEPTH_WIDTH, such as "wrn_28_10".'
    )
