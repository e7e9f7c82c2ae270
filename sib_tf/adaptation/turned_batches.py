"""Augmented images of labelled domains as batches, some of them turned."""

import numpy as np
import tensorflow as tf

from sib_tf.backbones.augmentation import NUM_DRAWS, Augmentation
from sib_tf.base.lookup import Rows, rows
from sib_tf.method.rotation import TURNS
from sib_tf.training.image_batches import images_of_step
from sib_tf.training.input_pipeline import function_of_step


def training_batches(
    images: Rows,
    labels: np.ndarray,
    *,
    batch_size: int,
    augmentation: Augmentation,
    turned: float,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Endless augmented batches, each a function of the seed and its step.

    Every epoch visits the images in a new order; what does not fill a batch at its end is dropped.

    Args:
        images: uint8 [n, H, W, 3].
        labels: int [n].
        batch_size: B.
        augmentation: random changes to each image.
        turned: share of the images that are turned, by 90, 180 or 270 degrees.
        seed: seed of order, augmentation and turns.
        first_step: number of the first step.

    Returns:
        A data set of (images float32 [B, H, W, 3], {"label", "turn"} int32 [B], weights of the same
        names, float32 [B]): a turned image has weight 0 for its label, and all have 1 for the turn.
    """
    labels = tf.constant(labels, tf.int32)

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        chosen = images_of_step(step, len(images), batch_size, seed)
        draws = tf.random.stateless_uniform(
            [batch_size, NUM_DRAWS + 1], seed=tf.stack([seed, step])
        )
        pictures = augmentation(rows(images, chosen), draws[:, :NUM_DRAWS])
        turn = _turn(draws[:, NUM_DRAWS], turned)
        upright = tf.cast(turn == 0, tf.float32)
        targets = {"label": tf.gather(labels, chosen), "turn": turn}
        return _rotated(pictures, turn), targets, {"label": upright, "turn": tf.ones_like(upright)}

    return function_of_step(batch, first=first_step, parallel=2)


def _turn(draws: tf.Tensor, turned: float) -> tf.Tensor:
    """Quarter turns 0 .. 3, int32 [B], from numbers that are uniform in [0, 1)."""
    if not turned:
        return tf.zeros_like(draws, tf.int32)
    return tf.where(draws < turned, 1 + tf.cast(draws / turned * (TURNS - 1), tf.int32), 0)


def _rotated(images: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    """Square images [B, H, H, 3], each turned by its own number of quarter turns."""
    every = tf.stack([tf.image.rot90(images, k) for k in range(TURNS)], axis=1)
    return tf.gather(every, turn, batch_dims=1)
