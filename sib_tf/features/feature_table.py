"""Features: the frozen backbone phi over a whole data set, stored once and read many times.

Augmentation comes before phi, so the cache of a training split can hold V augmented *views* of each
image, of which meta-training draws one per use; other splits hold one plain view. A record is a
`tf.train.Example` of one image:

    feature    type           content
    id         int64 [1]      position of the image in its split
    label      int64 [1]      label in the data set
    features   float [V*D]    view after view
    views      int64 [1]      V
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from sib_tf.base import commands
from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.beam.records import SUFFIX, parsed_batches, record_files, serialize

_INFO = "info.json"
_NO_LABEL = -1


@dataclasses.dataclass(frozen=True)
class FeatureTable:
    """Features of a split, by the position of the image.

    Attributes:
        features: float32 [V, n, D].
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


def write_info(folder: Path, *, examples: int, views: int, dim: int, network: str | None) -> None:
    """Writes the shape of a table, and the name of the network, beside its records."""
    info = {"examples": examples, "views": views, "dim": dim, "network": network}
    write_json(folder / _INFO, info)


def network_of(folder: Path) -> str | None:
    """The name of the network that made the features in a folder; None if they do not say."""
    return _info(folder)[-1]


def write(folder: Path, table: FeatureTable) -> None:
    """Stores a table that is in memory; `folder` must not exist."""
    views, examples, dim = table.features.shape
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / f"features{SUFFIX}")) as writer:
        for position, label in enumerate(table.labels):
            writer.write(encode(position, label, table.features[:, position]))
    write_info(folder, examples=examples, views=views, dim=dim, network=table.network)


def read(folder: Path) -> FeatureTable:
    """Loads the features of a split.

    Raises:
        UserError: if records are missing, truncated, of another kind, or hold NaN or infinite
            features; names the file or folder.
    """
    views, count, dim, network = _info(folder)
    again = f"delete {folder.parent} and run {commands.job('embed')} again."
    features = np.zeros((views, count, dim), np.float32)
    labels = np.full(count, _NO_LABEL, np.int64)
    parse = _parser(views * dim)
    for batch in parsed_batches(record_files(folder), parse, batch_size=1000):
        ids = batch["id"].numpy()
        if not ((ids >= 0) & (ids < count)).all():
            raise UserError(f"{folder} holds images beyond its {count}, of another split: {again}")
        labels[ids] = batch["label"]
        features[:, ids] = np.moveaxis(np.reshape(batch["features"], (-1, views, dim)), 1, 0)
    missing, bad = np.flatnonzero(labels == _NO_LABEL), not_finite(features, axes=(0, 2))
    if len(missing):
        raise UserError(f"{folder}: the features of image {missing[0]} are missing: {again}")
    if len(bad):
        raise UserError(
            f"{folder}: the features of image {bad[0]}, label {labels[bad[0]]}, are NaN or "
            f"infinite: {again}"
        )
    return FeatureTable(features, labels, network)


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
