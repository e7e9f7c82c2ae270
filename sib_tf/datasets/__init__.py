"""Data sets: TFDS builders and plain reading of what they prepared.

Every data set has the splits `train`, `validation` and `test` with disjoint classes, and the
features `image` (uint8 [H, W, 3]), `label` (one label space for all splits) and `id` (text). The
position of an example in its split, in the order that TFDS stores it, is its id in episodes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from sib_tf.errors import UserError

SPLITS = ("train", "validation", "test")

# What TensorFlow raises on files that are not what TFDS wrote.
_DAMAGES = (
    tf.errors.DataLossError,
    tf.errors.FailedPreconditionError,  # fewer or more examples than TFDS wrote
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
)


def prepared_in(folder: Path) -> Path:
    """The one prepared data set under a folder; the raw files it was made from may be gone.

    Raises:
        UserError: there is none.
    """
    for version in ("*/*", "*/*/*"):  # NAME/VERSION or NAME/CONFIG/VERSION
        for info in folder.glob(f"{version}/dataset_info.json"):
            return info.parent
    raise UserError(f"{folder} holds no prepared data set: delete it, then run the job again.")


def builder_of(prepared: Path | str) -> tfds.core.DatasetBuilder:
    """The builder of a prepared data set, from its folder alone, whatever code made it."""
    return tfds.builder_from_directory(prepared)


def class_names(builder: tfds.core.DatasetBuilder) -> Sequence[str]:
    """Names of all classes, by label."""
    return builder.info.features["label"].names


def read_labels(builder: tfds.core.DatasetBuilder, split: str) -> np.ndarray:
    """Labels of a split, int64 [n], without decoding an image."""
    (labels,) = _columns(builder, split, lambda example: (example["label"],))
    return labels


def read_encoded_images(builder: tfds.core.DatasetBuilder, split: str) -> np.ndarray:
    """The stored image files of a split (PNG), an object array of bytes [n]."""
    (images,) = _columns(builder, split, lambda example: (example["image"],))
    return images


def read_examples(builder: tfds.core.DatasetBuilder, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [n, H, W, 3] and labels int64 [n] of a split or slice, "train[500:1000]"."""
    images, labels = _columns(
        builder, split, lambda example: (example["image"], example["label"]), decode=True
    )
    return images, labels


def _columns(
    builder: tfds.core.DatasetBuilder,
    split: str,
    choose: Callable[[dict[str, tf.Tensor]], tuple[tf.Tensor, ...]],
    decode: bool = False,
) -> list[np.ndarray]:
    """Some features of all examples of a split or slice, each [n, ...].

    Raises:
        UserError: a file is missing, truncated or of another kind; names the folder.
    """
    batches = _in_order(builder, split, decode).map(choose).batch(512)
    try:
        columns = zip(*batches.as_numpy_iterator(), strict=True)
    except _DAMAGES as error:
        # .../data/NAME/CONFIG/VERSION, where the name in full is NAME/CONFIG/VERSION
        folder = Path(builder.data_path).parents[builder.info.full_name.count("/")]
        raise UserError(
            f"{folder}: the {split} split cannot be read ({type(error).__name__}): delete it, then "
            "run `python -m jobs.build_dataset`."
        ) from error
    return [np.concatenate(column) for column in columns]


def _in_order(builder: tfds.core.DatasetBuilder, split: str, decode: bool) -> tf.data.Dataset:
    """Examples by their position: one shard after the other, so that a slice is a slice of it."""
    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders=None if decode else {"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
    )
