"""A pre-training that takes seconds, in this process or in its own on a strategy's devices."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import tensorflow as tf

from sib_tf.few_shot.episodes.reader import draw_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class
from sib_tf.few_shot.prototype_accuracy import PrototypeAccuracy
from sib_tf.training import pretraining
from sib_tf.training.devices import strategies
from sib_tf.training.pretraining_settings import PretrainingSettings

SEED = 3
SETTINGS = PretrainingSettings(
    backbone="conv4_4",
    epochs=2,
    batch_size=8,
    learning_rate=0.05,
    warmup_steps=2,
    l2=5e-4,
    crop_size=16,
    crop_padding=2,
    flip=True,
    color_jitter=0.4,
)
# 36 images make 4 batches of 8. At a higher rate, rounding alone, as of images in another order,
# flips some ReLUs and moves weights apart by 1e-4.
TWENTY_STEPS = dataclasses.replace(SETTINGS, epochs=5, learning_rate=0.01)
LABELS = np.repeat([7, 9, 20], 12)  # any integers will do
IMAGES = np.random.default_rng(0).integers(0, 256, (36, 16, 16, 3), np.uint8)


def train(folder, settings, strategy=None, seed=SEED):
    """Trains on IMAGES and LABELS, which are also the validation split."""
    spec = EpisodeSpec(way=2, shot=1, queries=4)
    groups = examples_by_class(LABELS, spec, [str(n) for n in range(21)], "validation")
    episodes = draw_table(groups, spec, range(5), seed=0, stream="s")
    pretraining.train(
        folder,
        settings,
        seed=seed,
        images=IMAGES,
        labels=LABELS,
        validate=PrototypeAccuracy(IMAGES, episodes),
        strategy=strategy,
    )


def train_on(strategy, folder, logical_cpus="1"):
    """Trains with a strategy, in a process in which TensorFlow is not yet initialised."""
    logging.basicConfig(level=logging.INFO)
    cpus = [tf.config.LogicalDeviceConfiguration()] * int(logical_cpus)
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], cpus)
    train(Path(folder), TWENTY_STEPS, strategies.build(strategy))
