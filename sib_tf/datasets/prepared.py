"""Data sets: TFDS builders and plain reading of what they prepared.

Every data set has the splits `train`, `validation` and `test` with disjoint classes, or splits for
each of several domains with the same classes, and the features `image` (uint8 [H, W, 3]), `label`
(one label space for all splits) and `id` (text). The position of an example in its split, in the
order that TFDS stores it, is its id in episodes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from sib_tf.base import commands
from sib_tf.base.errors import UserError
from sib_tf.datasets.stored_files import StoredFiles
from sib_tf.datasets.stored_images import StoredImages

SPLITS = ("train", "validation", "test")

_BATCH = 512  # examples read at a time

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
        UserError: if the folder holds no prepared data set.
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
    return _column(builder, split, "label")


def read_encoded_images(
    builder: tfds.core.DatasetBuilder, split: str, ids: np.ndarray
) -> dict[int, bytes]:
    """The stored files (PNG) of some images, by their positions in the split."""
    batches = _batches(builder, split, lambda one: (one["image"],), _BATCH, decode=False)
    ids = np.unique(ids)
    return dict(zip(ids.tolist(), _picked(batches, ids), strict=True))


def store_encoded_images(builder: tfds.core.DatasetBuilder, split: str) -> StoredFiles:
    """The stored files (PNG) of a split, by the positions of the images."""
    batches = _batches(builder, split, lambda one: (one["image"],), _BATCH, decode=False)
    return StoredFiles(file for (files,) in batches for file in files)


def read_images(builder: tfds.core.DatasetBuilder, split: str, ids: np.ndarray) -> np.ndarray:
    """Some images by their positions in the split, int [m]; the whole split is read for them.

    Returns:
        uint8 [m, H, W, 3], in the order of their positions in `ids`.
    """
    rising, places = np.unique(ids, return_inverse=True)
    images = np.empty((len(rising), *builder.info.features["image"].shape), np.uint8)
    found = _picked(examples(builder, split, _BATCH), rising)
    for n, image in zip(range(len(rising)), found, strict=True):
        images[n] = image
    return images[places]


def store_images(
    builder: tfds.core.DatasetBuilder, split: str, ids: np.ndarray, folder: Path | None
) -> StoredImages:
    """Some images by their positions in the split, int [m] and rising.

    Args:
        builder: of the data set.
        split: name of the split.
        ids: positions.
        folder: where the images find room, see `StoredImages`.
    """
    found = _picked(examples(builder, split, _BATCH), ids)
    return StoredImages((image[np.newaxis] for image in found), folder)


def _picked(batches: Iterable[tuple[np.ndarray, ...]], ids: np.ndarray) -> Iterator[Any]:
    """Of the first element of consecutive batches, what is at some positions, in rising order."""
    first = 0
    for batch, *_ in batches:
        begin, end = np.searchsorted(ids, [first, first + len(batch)])
        yield from batch[ids[begin:end] - first]
        first += len(batch)


def store_examples(
    builder: tfds.core.DatasetBuilder, splits: Sequence[str], folder: Path | None
) -> tuple[StoredImages, list[np.ndarray]]:
    """Images of several splits, one after the other, and the labels of each split, int64 [n].

    Args:
        builder: of the data set.
        splits: names of the splits.
        folder: where the images find room, see `StoredImages`.
    """
    labels: list[list[np.ndarray]] = [[] for _ in splits]

    def images() -> Iterator[np.ndarray]:
        for split, of_split in zip(splits, labels, strict=True):
            for batch, of_batch in examples(builder, split, _BATCH):
                of_split.append(of_batch)
                yield batch

    return StoredImages(images(), folder), [np.concatenate(of_split) for of_split in labels]


def examples(
    builder: tfds.core.DatasetBuilder, split: str, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Reads a split or slice in batches, the next while one is used.

    Yields:
        Images uint8 [B, H, W, 3] and labels int64 [B], in the order of their positions; the last
        batch may be smaller.

    Raises:
        UserError: during iteration, if a file is missing, truncated or of another kind.
    """
    return _batches(
        builder, split, lambda one: (one["image"], one["label"]), batch_size, decode=True
    )


def _column(builder: tfds.core.DatasetBuilder, split: str, feature: str) -> np.ndarray:
    """A feature of all examples of a split or slice, [n, ...], as it is stored."""
    batches = _batches(builder, split, lambda one: (one[feature],), _BATCH, decode=False)
    return np.concatenate([batch for (batch,) in batches])


def _batches(
    builder: tfds.core.DatasetBuilder,
    split: str,
    choose: Callable[[dict[str, tf.Tensor]], tuple[tf.Tensor, ...]],
    batch_size: int,
    *,
    decode: bool,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Some features of the examples of a split or slice, in batches.

    Raises:
        UserError: if a file is missing, truncated or of another kind; names the folder.
    """
    try:
        chosen = _in_order(builder, split, decode).map(choose).batch(batch_size)
        yield from chosen.prefetch(1).as_numpy_iterator()
    except _DAMAGES as error:
        # .../data/NAME/CONFIG/VERSION, where the name in full is NAME/CONFIG/VERSION
        folder = Path(builder.data_path).parents[builder.info.full_name.count("/")]
        raise UserError(
            f"{folder}: the {split} split cannot be read ({type(error).__name__}): delete it, then "
            f"run {commands.job('build_dataset')}."
        ) from error


def _in_order(builder: tfds.core.DatasetBuilder, split: str, decode: bool) -> tf.data.Dataset:
    """Examples by their position: one shard after the other, so that a slice is a slice of it."""
    options = tf.data.Options()
    # Beside a busy phi, tf.data can be at its tuning for 0.7 s after the last of 2,000 images.
    options.autotune.enabled = False
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False, options=options)
    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders=None if decode else {"image": tfds.decode.SkipDecoding()},
        read_config=config,
    )
