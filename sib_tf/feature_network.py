"""phi, the feature network, as working directories keep it: from the pixels of stored images."""

from collections.abc import Sequence

import keras

from sib_tf import backbones
from sib_tf.errors import UserError


def build(
    backbone: str,
    *,
    image_size: int,
    crop_size: int,
    mean: Sequence[float],
    variance: Sequence[float],
) -> keras.Model:
    """A fresh backbone behind a centre crop and the standardisation of each channel.

    Args:
        backbone: name, as in `backbones.build`; that of its layer here, too.
        image_size: H = W of the stored images.
        crop_size: H = W of their centre that the backbone sees.
        mean: of each of the 3 channels, on the scale 0..255.
        variance: of each of the 3 channels.

    Returns:
        A model from images [B, H, W, 3], uint8 or float, 0..255, to features [B, D].

    Raises:
        UserError: the crop is larger than the images or too small, or the backbone is unknown.
    """
    if crop_size > image_size:
        raise UserError(
            f"config.crop_size={crop_size} is more than the {image_size} pixels of the images: "
            "lower it."
        )
    layers = [
        keras.Input((image_size, image_size, 3)),
        keras.layers.CenterCrop(crop_size, crop_size),
        keras.layers.Normalization(mean=mean, variance=variance),
        backbones.build(backbone, crop_size),
    ]
    return keras.Sequential(layers, name="phi")


def mirrored(phi: keras.Model) -> keras.Model:
    """The mean of phi's unit features of an image and of its mirror image.

    Where a mirror image is as good an image, this takes out of the features what tells the two
    apart: worth two points of 1-shot accuracy on CIFAR-FS, at twice the time. Not in the paper.

    Args:
        phi: from images [B, H, W, 3] to features [B, D].

    Returns:
        A model of the same input and output.
    """
    images = keras.Input(phi.input_shape[1:])
    unit = keras.layers.UnitNormalization(axis=-1)
    both = [unit(phi(images)), unit(phi(keras.ops.flip(images, axis=2)))]
    return keras.Model(images, keras.layers.Average()(both), name="mirrored_phi")
