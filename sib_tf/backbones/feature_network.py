"""phi, the feature network, as working directories keep it: from the pixels of stored images."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from sib_tf.backbones import registry
from sib_tf.backbones.frozen import Frozen
from sib_tf.base.errors import UserError
from sib_tf.base.lookup import Rows

_PHI, _AVERAGED = "phi", "averaged_phi"


def build(
    backbone: str,
    *,
    image_size: int,
    crop_size: int,
    mean: Sequence[float],
    variance: Sequence[float],
    precision: str = "float32",
) -> keras.Model:
    """A backbone behind a centre crop and its own standardisation of pixels.

    Args:
        backbone: name of the backbone, see `registry.find`.
        image_size: H = W of the stored images.
        crop_size: H = W of their centre that the backbone sees.
        mean: mean of each of the 3 channels over the training images, on the scale 0..255.
        variance: variance of each of the 3 channels.
        precision: that the backbone computes in, a Keras dtype policy. Its weights are float32, its
            features of the precision.

    Returns:
        A model from images [B, H, W, 3], uint8 or float, 0..255, to features [B, D].

    Raises:
        UserError: the crop is larger than the images or too small, or the backbone is unknown.
    """
    refuse_large_crop(crop_size, image_size)
    found = registry.find(backbone, crop_size)
    layers = [
        keras.Input((image_size, image_size, 3)),
        keras.layers.CenterCrop(crop_size, crop_size),
        found.standardization(mean, variance),
    ]
    with _dtype_policy(precision):
        layers.append(found.build())
    return keras.Sequential(layers, name=_PHI)


def build_trained(backbone: str, *, image_size: int, crop_size: int) -> keras.Model:
    """As `build`, of a backbone that comes with trained weights and a standardisation of its own.

    Args:
        backbone: name of the backbone, see `registry.find`.
        image_size: H = W of the stored images.
        crop_size: H = W of their centre that the backbone sees.
    """
    unused = {"mean": (0.0, 0.0, 0.0), "variance": (1.0, 1.0, 1.0)}
    return build(backbone, image_size=image_size, crop_size=crop_size, **unused)


@contextlib.contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    """Layers made within get the policy."""
    outside = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(outside)


def refuse_large_crop(crop_size: int, image_size: int) -> None:
    """Raises UserError if the crop is larger than the images."""
    if crop_size > image_size:
        raise UserError(
            f"config.phi.crop_size={crop_size} is more than the {image_size} pixels of the images: "
            "lower it."
        )


def averaged(phi: keras.Model, *, shift: int, mirror: bool) -> keras.Model:
    """The mean of phi's unit features of an image and of others as good.

    That takes out of the features what tells the others apart. Of 1-shot accuracy on CIFAR-FS the
    mirror image is worth two points and shifts by two pixels half a point, at twice and five times
    the time. Not in the paper.

    Args:
        phi: from images [B, H, W, 3] to features [B, D].
        shift: pixels, by which the image is shifted up, down, left and right; what comes in is
            black. 0: it is not.
        mirror: whether to average over mirror images, too.

    Returns:
        A model of the same input and output; `phi` itself if there is no other image.
    """
    images = keras.Input(phi.input_shape[1:])
    seen = [images, *(_shifted(images, shift) if shift else ())]
    if mirror:
        seen += [keras.ops.flip(image, axis=2) for image in seen]
    if len(seen) == 1:
        return phi
    mean = keras.layers.Average()([_unit(phi(image)) for image in seen])
    return keras.Model(images, mean, name=_AVERAGED)


def save_frozen(phi: keras.Model, file: Path, *, shift: int = 0, mirror: bool = False) -> None:
    """Writes phi, averaged, so that it stays as it is, however it is called later.

    Keras' CenterCrop tells the layers after it that they train unless the caller says otherwise.
    The file's model has the name of the network in phi, see `network_name`.

    Args:
        phi: from images [B, H, W, 3] to features [B, D].
        file: file to write, `.keras`.
        shift: pixels, see `averaged`.
        mirror: whether to average over mirror images, see `averaged`.
    """
    images = keras.Input(phi.input_shape[1:])
    features = Frozen(averaged(phi, shift=shift, mirror=mirror))(images)
    frozen = keras.Model(images, features, name=network_name(phi))
    frozen.trainable = False
    frozen.save(file)


def network_name(phi: keras.Model) -> str:
    """What a phi is: "conv4_64", or the name that someone else has given to a model.

    Args:
        phi: from images [B, H, W, 3] to features [B, D]: of `build` or of a file, also one that was
            written when phi had the name of what it was wrapped in.
    """
    if phi.name == _AVERAGED:
        phi = phi.get_layer(_PHI)
    return phi.layers[-1].name if phi.name == _PHI else phi.name


def _unit(features: keras.KerasTensor) -> keras.KerasTensor:
    """Features [B, D] of length 1, whatever B.

    Keras' UnitNormalization takes TensorFlow's rsqrt, which rounds the last elements of a tensor in
    another way than those before them: an image would have other features in another batch.
    """
    lengths = keras.ops.norm(features, axis=-1, keepdims=True)
    return features / keras.ops.maximum(lengths, 1e-12)


def _shifted(images: keras.KerasTensor, shift: int) -> list[keras.KerasTensor]:
    """The images shifted in each of the four directions."""
    padded = keras.layers.ZeroPadding2D(shift)(images)
    still, there, back = (shift, shift), (2 * shift, 0), (0, 2 * shift)
    cuts = [(there, still), (back, still), (still, there), (still, back)]
    return [keras.layers.Cropping2D(cut)(padded) for cut in cuts]


def inference(phi: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Phi in evaluation mode, traced once, for several calls of `in_batches`."""
    # Not a lambda: TensorFlow would warn that its code is traced again with every call of this.
    return tf.function(functools.partial(phi, training=False), reduce_retracing=True)


def embed(phi: keras.Model, images: Rows, batch_size: int = 500) -> np.ndarray:
    """Features of images uint8 [n, H, W, 3], float32 [n, D], in evaluation mode."""
    return in_batches(inference(phi), images, batch_size)


def in_batches(
    forward: Callable[[tf.Tensor], tf.Tensor], images: Rows | tf.Tensor, batch_size: int
) -> np.ndarray:
    """Features of many images, in the memory that a batch takes.

    Args:
        forward: callable: images [B, H, W, 3] -> features [B, D].
        images: images to embed, uint8 or float [n, H, W, 3].
        batch_size: most images of a batch.

    Returns:
        float32 [n, D].
    """
    starts = range(0, len(images), batch_size)
    batches = [forward(tf.constant(images[i : i + batch_size])) for i in starts]
    return np.concatenate([tf.cast(features, tf.float32) for features in batches])
