"""Augmentation of a batch of images, before the frozen backbone.

The randomness comes in as numbers, so that the same image, seed and view give the same picture in
whatever batch, on whatever worker.
"""

import dataclasses

import tensorflow as tf

NUM_DRAWS = 6  # random numbers an image needs


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random shift, horizontal flip, colour jitter.

    Attributes:
        max_shift: pixels, in each direction; what comes in is black. This is a random crop of the
            image padded by as much.
        flip: whether half of the images are mirrored left to right.
        color_jitter: j; brightness, contrast and saturation factors are uniform in [1 - j, 1 + j].
    """

    max_shift: int
    flip: bool
    color_jitter: float

    def __call__(self, images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """Augments each image by its own draws.

        Args:
            images: [B, H, W, 3], values 0..255, any numeric dtype.
            draws: float32 [B, 6], uniform in [0, 1).

        Returns:
            float32 [B, H, W, 3], values 0..255.
        """
        images = _shift_and_flip(
            tf.cast(images, tf.float32),
            shift=tf.floor(draws[:, :2] * (2 * self.max_shift + 1)) - self.max_shift,
            flip=(draws[:, 2] < 0.5) if self.flip else tf.zeros_like(draws[:, 2], tf.bool),
        )
        factors = 1.0 + self.color_jitter * (2.0 * draws[:, 3:] - 1.0)
        return _jitter(images, factors) if self.color_jitter else images


def _shift_and_flip(images: tf.Tensor, shift: tf.Tensor, flip: tf.Tensor) -> tf.Tensor:
    """Output (y, x) is input (y + dy, x' + dx), black outside; x' = W-1-x if flipped."""
    last = tf.cast(tf.shape(images)[2] - 1, tf.float32)
    mirrored = tf.cast(flip, tf.float32)
    one, zero = tf.ones_like(mirrored), tf.zeros_like(mirrored)
    dy, dx = shift[:, 0], shift[:, 1]
    # Rows of the projective map from output to input: x_in = a0 x + a1 y + a2, y_in = b0 x + ...
    transforms = [one - 2 * mirrored, zero, dx + mirrored * last, zero, one, dy, zero, zero]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(transforms, axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )


def _jitter(images: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Scales brightness, then contrast, then saturation, by factors [B, 3]."""
    brightness, contrast, saturation = tf.unstack(factors[:, :, None, None, None], axis=1)
    images = _clip(images * brightness)
    mean = tf.reduce_mean(tf.image.rgb_to_grayscale(images), axis=(1, 2), keepdims=True)
    images = _clip(mean + contrast * (images - mean))
    grey = tf.image.rgb_to_grayscale(images)
    return _clip(grey + saturation * (images - grey))


def _clip(images: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(images, 0.0, 255.0)
