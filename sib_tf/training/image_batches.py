"""Augmented training images as batches."""

import numpy as np
import tensorflow as tf

from sib_tf.backbones.augmentation import NUM_DRAWS, Augmentation
from sib_tf.base.lookup import Rows, rows
from sib_tf.training.input_pipeline import function_of_step


def training_batches(
    images: Rows,
    targets: np.ndarray,
    *,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    first_step: int = 0,
    part: int = 0,
    parts: int = 1,
) -> tf.data.Dataset:
    """Endless augmented batches (float32 [B, H, W, 3], int32 [B]), each a function of its step.

    Every epoch visits the images in a new order; what does not fill a batch at its end is dropped.

    Args:
        images: uint8 [n, H, W, 3].
        targets: int [n].
        batch_size: B.
        augmentation: random changes to each image.
        seed: seed of order and augmentation.
        first_step: number of the first step.
        part: number of the part of each batch to make, from 0.
        parts: number of equal parts of a batch.
    """
    length = batch_size // parts
    start = part * length
    targets = tf.constant(targets, tf.int32)

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = images_of_step(step, len(images), batch_size, seed)[start : start + length]
        draws = tf.random.stateless_uniform([batch_size, NUM_DRAWS], seed=tf.stack([seed, step]))
        draws = draws[start : start + length]
        return augmentation(rows(images, chosen), draws), tf.gather(targets, chosen)

    return function_of_step(batch, first=first_step, parallel=2)


def images_of_step(step: tf.Tensor, count: int, batch_size: int, seed: int) -> tf.Tensor:
    """Which of `count` images are in the batch of a step, int64 [B]; each once an epoch at most."""
    steps = count // batch_size
    epoch, position = step // steps, step % steps
    return tf.random.experimental.index_shuffle(
        position * batch_size + tf.range(batch_size, dtype=tf.int64),
        seed=tf.stack([seed, epoch]),
        max_index=count - 1,
    )
