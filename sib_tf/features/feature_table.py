"""Features: the frozen backbone phi over a whole data set, stored once and read many times.

Augmentation comes before phi, so the cache of a training split can hold V augmented *views* of each
image, of which meta-training draws one per use; other splits hold one plain view. A folder holds

    features.npy   float32 [V, n, D], by the position of the image in its split
    labels.npy     int64 [n], in the data set
    info.json      their sizes, and the name of the network

The arrays are mapped: of more features than memory holds, it holds those in use. Workers write
records first, in any order, each a `tf.train.Example` of one image:

    feature    type           content
    id         int64 [1]      position of the image in its split
    label      int64 [1]      label in the data set
    features   float [V*D]    view after view
    views      int64 [1]      V
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from sib_tf.base import commands, storage
from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError, first_line
from sib_tf.beam.records import SUFFIX, parsed_batches, record_files, serialize
from sib_tf.features.array_file import DAMAGES, ArrayFile

_FEATURES, _LABELS, _INFO = "features.npy", "labels.npy", "info.json"
_NO_LABEL = -1


@dataclasses.dataclass(frozen=True)
class FeatureTable:
    """Features of a split, by the position of the image.

    Attributes:
        features: float32 [V, n, D], in memory or mapped.
        labels: int64 [n].
        network: name of the network that made them, see `feature_network.network_name`; None if it
            is not known.
    """

    features: np.ndarray
    labels: np.ndarray
    network: str | None = None


def not_finite(features: np.ndarray, axes: tuple[int, int]) -> np.ndarray:
    """Positions of the images with a NaN or infinite feature; `axes` are those of views and D."""
    return np.flatnonzero(~np.isfinite(features).all(axis=axes))


def encode(position: int, label: int, features: np.ndarray) -> bytes:
    """One record; `features` is [V, D]."""
    ints = {"id": [position], "label": [label], "views": [len(features)]}
    return serialize(ints, {"features": features})


def write(folder: Path, table: FeatureTable) -> None:
    """Stores a table that is in memory; `folder` must not exist.

    Raises:
        UserError: if it holds NaN or infinite features; names the image.
    """
    everything = np.arange(len(table.labels))
    _refuse_not_finite(folder, table.features, everything, table.labels)
    folder.mkdir(parents=True)
    _save(folder / _FEATURES, table.features)
    _save(folder / _LABELS, table.labels.astype(np.int64))
    _write_info(folder, *table.features.shape, network=table.network)


def gather(folder: Path, *, views: int, examples: int, dim: int, network: str | None) -> None:
    """Turns all records of a folder on a disk into the arrays of a table, without holding these.

    In an object store they remain: files there are written from beginning to end.

    Raises:
        UserError: if records are missing, truncated, or hold NaN or infinite features; names the
            file or folder.
        OSError: the disk is full.
    """
    shape = (views, examples, dim)
    _write_info(folder, *shape, network=network)
    if storage.is_remote(folder):
        return
    with (folder / _FEATURES).open("wb") as file:
        labels = _fill(folder, shape, ArrayFile(file, shape, np.float32).put)
    _save(folder / _LABELS, labels)
    for file in record_files(folder):
        file.unlink()


def _write_info(folder: Path, views: int, examples: int, dim: int, network: str | None) -> None:
    """Writes the shape of a table, and the name of the network."""
    info = {"examples": examples, "views": views, "dim": dim, "network": network}
    write_json(folder / _INFO, info)


def network_of(folder: Path) -> str | None:
    """The name of the network that made the features in a folder; None if they do not say."""
    return _info(folder)[-1]


def read(folder: Path) -> FeatureTable:
    """The features of a split.

    Raises:
        UserError: if a file is missing or damaged; names it.
    """
    *shape, network = _info(folder)
    if not (folder / _FEATURES).exists() and any(folder.glob(f"*{SUFFIX}")):
        # In an object store, and in what earlier versions have left.
        return FeatureTable(*_filled(folder, shape), network)
    features, labels = _load(folder / _FEATURES, np.float32), _load(folder / _LABELS, np.int64)
    if features.shape != tuple(shape) or labels.shape != (shape[1],):
        raise UserError(f"{folder}: its arrays are not of one split: {_again(folder)}")
    return FeatureTable(features, labels, network)


def _filled(folder: Path, shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Features [V, n, D] and labels [n] from the records of a folder."""
    features = np.zeros(shape, np.float32)

    def put(ids: np.ndarray, rows: np.ndarray) -> None:
        features[:, ids] = rows

    return features, _fill(folder, shape, put)


def _fill(
    folder: Path, shape: Sequence[int], put: Callable[[np.ndarray, np.ndarray], None]
) -> np.ndarray:
    """Puts the features of all records of a folder where they belong; the labels, int64 [n]."""
    views, count, dim = shape
    labels = np.full(count, _NO_LABEL, np.int64)
    for batch in parsed_batches(record_files(folder), _parser(views * dim), batch_size=1000):
        ids = batch["id"].numpy()
        if not ((ids >= 0) & (ids < count)).all():
            raise UserError(
                f"{folder} holds images beyond its {count}, of another split: {_again(folder)}"
            )
        labels[ids] = batch["label"]
        rows = np.moveaxis(np.reshape(batch["features"], (-1, views, dim)), 1, 0)
        _refuse_not_finite(folder, rows, ids, labels[ids])
        put(ids, rows)
    if len(missing := np.flatnonzero(labels == _NO_LABEL)):
        raise UserError(
            f"{folder}: the features of image {missing[0]} are missing: {_again(folder)}"
        )
    return labels


def _refuse_not_finite(
    folder: Path, features: np.ndarray, ids: np.ndarray, labels: np.ndarray
) -> None:
    """Of features [V, m, D]; ids and labels are of their images, int [m]."""
    if len(bad := not_finite(features, axes=(0, 2))):
        raise UserError(
            f"{folder}: the features of image {ids[bad[0]]}, label {labels[bad[0]]}, are NaN or "
            f"infinite: {_again(folder)}"
        )


def _save(file: Path, array: np.ndarray) -> None:
    with file.open("wb") as opened:
        np.save(opened, array)


def _load(file: Path, dtype: type) -> np.ndarray:
    try:
        array = np.load(file, mmap_mode="r")
        if array.dtype != dtype:
            raise ValueError(f"it holds {array.dtype}")
        return array
    except DAMAGES as error:
        raise UserError(
            f"{file} cannot be read ({first_line(error)}): {_again(file.parent)}"
        ) from None


def _again(folder: Path) -> str:
    return f"delete {folder.parent} and run {commands.job('embed')} again."


def _info(folder: Path) -> tuple[int, int, int, str | None]:
    """V, n, D, and the name of the network."""
    try:
        info = json.loads((folder / _INFO).read_text())
        return info["views"], info["examples"], info["dim"], info.get("network")
    except (OSError, ValueError, KeyError):
        raise UserError(f"{folder} holds no features: run {commands.job('embed')} first.") from None


def _parser(size: int) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    spec = {
        "id": tf.io.FixedLenFeature([], tf.int64),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "features": tf.io.FixedLenFeature([size], tf.float32),
    }
    return lambda records: tf.io.parse_example(records, spec)
