"""The one TFRecord layout of episodes: `encode` writes it, `parse` reads it.

A record is a `tf.train.Example` of one episode. N classes, S support and Q query examples, D
features, images of any size:

    feature            type          content
    episode            int64 [1]     number of the episode, from 0
    classes            int64 [N]     labels in the data set of the classes 0..N-1 of the episode
    support/id         int64 [S]     position of the example in its split
    support/label      int64 [S]     0..N-1
    query/id           int64 [Q]     position of the example in its split
    query/label        int64 [Q]     0..N-1
    support/features   float [S*D]   only with materialize=features, row by row
    query/features     float [Q*D]
    feature_dim        int64 [1]     D
    support/image      bytes [S]     only with materialize=images, PNG
    query/image        bytes [Q]
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from sib_tf.beam.records import serialize
from sib_tf.few_shot.episodes.sampling import Episode, EpisodeSpec

MATERIALIZE = ("ids", "features", "images")
INTEGERS = ("classes", "support/id", "support/label", "query/id", "query/label")


def encode(
    episode: Episode,
    *,
    features: tuple[np.ndarray, np.ndarray] | None = None,
    images: tuple[Sequence[bytes], Sequence[bytes]] | None = None,
) -> bytes:
    """Serializes an episode.

    Args:
        episode: positions and labels of the examples.
        features: features of the support and query examples, float32 [S, D] and [Q, D].
        images: images of the support and query examples, PNG bytes [S] and [Q].
    """
    ints = {
        "episode": [episode.index],
        "classes": episode.classes,
        "support/id": episode.support_ids,
        "support/label": episode.support_labels,
        "query/id": episode.query_ids,
        "query/label": episode.query_labels,
    }
    floats, strings = {}, {}
    if features is not None:
        support, query = features
        ints["feature_dim"] = [support.shape[-1]]
        floats |= {"support/features": support, "query/features": query}
    if images is not None:
        strings["support/image"], strings["query/image"] = images
    return serialize(ints, floats, strings)


def parse_varied(records: tf.Tensor, largest: EpisodeSpec) -> dict[str, tf.Tensor]:
    """Parses a batch of serialized episodes of many sizes, without features or images.

    Args:
        records: string [B].
        largest: the largest N, S and Q.

    Returns:
        The integer features by name, int64 with leading axis B, filled up with -1 to the sizes of
        `largest`.

    Raises:
        tf.errors.InvalidArgumentError: if a record is of another kind, or larger.
    """
    sizes = {
        "classes": largest.way,
        **{f"support/{name}": largest.way * largest.shot for name in ("id", "label")},
        **{f"query/{name}": largest.queries for name in ("id", "label")},
    }
    layout = {
        name: tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True, default_value=-1)
        for name in sizes
    }
    parsed = tf.io.parse_example(
        records, {"episode": tf.io.FixedLenFeature([], tf.int64), **layout}
    )
    for name, size in sizes.items():
        missing = size - tf.shape(parsed[name])[1]
        tf.debugging.assert_non_negative(missing, f"{name} of a larger episode")
        parsed[name] = tf.pad(parsed[name], [[0, 0], [0, missing]], constant_values=-1)
    return parsed


def parse(records: tf.Tensor, spec: EpisodeSpec, materialize: str = "ids") -> dict[str, tf.Tensor]:
    """Parses a batch of serialized episodes of one size.

    Args:
        records: string [B].
        spec: what the episodes look like; gives N, S and Q.
        materialize: "ids", "features" or "images": what to expect besides the ids.

    Returns:
        The features of the table by name, each with leading axis B: `episode` is [B], `*/features`
        [B, S, D] and [B, Q, D], `*/image` [B, S] and [B, Q], still encoded.

    Raises:
        tf.errors.InvalidArgumentError: if a record is of another kind, N, S, Q or D.
    """
    sizes = {"support": spec.way * spec.shot, "query": spec.queries}
    parsed = tf.io.parse_example(records, _layout(spec.way, sizes, materialize))
    if materialize == "features":
        dims = parsed.pop("feature_dim")
        for part, size in sizes.items():
            parsed[f"{part}/features"] = _rows(parsed[f"{part}/features"], size, dims)
    return parsed


def _layout(way: int, sizes: Mapping[str, int], materialize: str) -> dict[str, Any]:
    layout = {
        "episode": tf.io.FixedLenFeature([], tf.int64),
        "classes": tf.io.FixedLenFeature([way], tf.int64),
    }
    for part, size in sizes.items():
        layout[f"{part}/id"] = tf.io.FixedLenFeature([size], tf.int64)
        layout[f"{part}/label"] = tf.io.FixedLenFeature([size], tf.int64)
        if materialize == "images":
            layout[f"{part}/image"] = tf.io.FixedLenFeature([size], tf.string)
        elif materialize == "features":
            layout[f"{part}/features"] = tf.io.FixedLenSequenceFeature(
                [size], tf.float32, allow_missing=True
            )
    if materialize == "features":
        layout["feature_dim"] = tf.io.FixedLenFeature([], tf.int64)
    return layout


def _rows(features: tf.Tensor, size: int, dims: tf.Tensor) -> tf.Tensor:
    """Numbers in the order of a record, [B, D, size], to one row for each example, [B, size, D]."""
    dim = tf.shape(features, tf.int64)[1]
    # Among longer records a shorter one is filled up with zeros; its own D tells.
    tf.debugging.assert_equal(dims, dim, "episodes of different feature_dim")
    return tf.reshape(features, [-1, size, dim])
