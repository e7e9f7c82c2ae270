"""Data sets: TFDS builders and plain reading of what they prepared.

Every data set has the splits `train`, `validation` and `test` with disjoint classes, and the
features `image` (uint8 [H, W, 3]), `label` (one label space for all splits) and `id` (text). The
position of an example in its split, in the order that TFDS stores it, is its id in episodes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from sib_tf.errors import UserError

SPLITS = ("train", "validation", "test")


def prepared_in(folder: Path) -> Path:
    """The one prepared data set under a folder; the raw files it was made from may be gone.

    Raises:
        UserError: there is none.
    """
    info = next(folder.rglob("dataset_info.json"), None)
    if not info:
        raise UserError(f"{folder} holds no prepared data set: delete it, then run the job again.")
    return info.parent


def builder_of(prepared: Path | str) -> tfds.core.DatasetBuilder:
    """The builder of a prepared data set, from its folder alone, whatever code made it."""
    return tfds.builder_from_directory(prepared)


def class_names(builder: tfds.core.DatasetBuilder) -> Sequence[str]:
    """Names of all classes, by label."""
    return builder.info.features["label"].names


def read_labels(builder: tfds.core.DatasetBuilder, split: str) -> np.ndarray:
    """Labels of a split, int64 [n], without decoding an image."""
    batches = _in_order(builder, split, decode=False).map(lambda example: example["label"])
    return np.concatenate(list(batches.batch(4096).as_numpy_iterator()))


def read_encoded_images(builder: tfds.core.DatasetBuilder, split: str) -> np.ndarray:
    """The stored image files of a split (PNG), an object array of bytes [n]."""
    images = _in_order(builder, split, decode=False).map(lambda example: example["image"])
    return np.concatenate(list(images.batch(4096).as_numpy_iterator()))


def read_examples(builder: tfds.core.DatasetBuilder, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [n, H, W, 3] and labels int64 [n] of a split or slice, "train[500:1000]"."""
    batches = _in_order(builder, split, decode=True).batch(512)
    pairs = batches.map(lambda example: (example["image"], example["label"]))
    images, labels = zip(*pairs.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _in_order(builder: tfds.core.DatasetBuilder, split: str, decode: bool) -> tf.data.Dataset:
    """Examples by their position: one shard after the other, so that a slice is a slice of it."""
    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders=None if decode else {"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
    )
