"""Reads stored episodes."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from sib_tf.base import commands
from sib_tf.base.errors import UserError
from sib_tf.beam.records import parsed_batches, record_files
from sib_tf.few_shot.episodes import schema
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, sample
from sib_tf.few_shot.episodes.varied import VariedEpisodes


@dataclasses.dataclass(frozen=True)
class EpisodeTable:
    """All episodes of a folder, in the order of their numbers. E episodes of one way, S and Q.

    Episodes of many sizes are filled up with -1, ids and labels alike.

    Attributes:
        classes: labels of the classes in the data set, int32 [E, N].
        support_ids: positions of the support examples in their split, int32 [E, S].
        support_labels: labels of the support examples, int32 [E, S], 0 .. N-1.
        query_ids: positions of the query examples in their split, int32 [E, Q].
        query_labels: labels of the query examples, int32 [E, Q], 0 .. N-1.
    """

    classes: np.ndarray
    support_ids: np.ndarray
    support_labels: np.ndarray
    query_ids: np.ndarray
    query_labels: np.ndarray

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def image_ids(self) -> np.ndarray:
        """Positions of all images in their split, int32 [m], rising; for episodes of one size."""
        return np.union1d(self.support_ids, self.query_ids)

    def renumbered(self, ids: np.ndarray) -> "EpisodeTable":
        """The same episodes of fewer images: image ids[n], int [m] and rising, is the n-th now."""
        support, query = (np.searchsorted(ids, of) for of in (self.support_ids, self.query_ids))
        return dataclasses.replace(self, support_ids=support, query_ids=query)

    def part(self, start: int, stop: int) -> "EpisodeTable":
        """The episodes start..stop-1, as far as there are so many."""
        columns = (getattr(self, field.name) for field in dataclasses.fields(self))
        return EpisodeTable(*(column[start:stop] for column in columns))


def draw_table(
    groups: Mapping[int, np.ndarray],
    spec: EpisodeSpec,
    indices: Iterable[int],
    *,
    seed: int,
    stream: str,
) -> EpisodeTable:
    """A table of the episodes with these numbers, drawn now and not stored, see `sample`."""
    episodes = [sample(groups, spec, seed=seed, stream=stream, index=i) for i in indices]
    columns = [field.name for field in dataclasses.fields(EpisodeTable)]
    return EpisodeTable(
        *(np.stack([getattr(e, name) for e in episodes]).astype(np.int32) for name in columns)
    )


def read_table(folder: Path, spec: EpisodeSpec | VariedEpisodes, count: int) -> EpisodeTable:
    """Loads the ids and labels of every episode.

    Shards hold their records in no particular order; sorting by number makes the table the same for
    any number of shards and workers.

    Args:
        folder: `records` in the folder of a `build_episodes` step.
        spec: what the episodes should look like; N, S and Q of the table are the largest.
        count: number of episodes; they are numbered from 0.

    Raises:
        UserError: if a record is truncated or of another kind, N, S or Q; names the file. If there
            are no records, or an episode is missing or there twice; names the folder.
    """
    if isinstance(spec, VariedEpisodes):
        parse = functools.partial(schema.parse_varied, largest=spec.largest)
    else:
        parse = functools.partial(schema.parse, spec=spec)
    batches = list(parsed_batches(record_files(folder), parse, batch_size=1000))
    numbers = [number for batch in batches for number in batch["episode"].numpy()]
    if sorted(numbers) != list(range(count)):
        raise UserError(
            f"{folder} does not hold each of the episodes 0..{count - 1} once: delete the folder "
            f"of the step, {folder.parent}, then run {commands.job('build_episodes')} again."
        )
    order = np.argsort(numbers)
    return EpisodeTable(*(_column(batches, name)[order] for name in schema.INTEGERS))


def _column(batches: list[dict[str, tf.Tensor]], name: str) -> np.ndarray:
    return np.concatenate([batch[name] for batch in batches]).astype(np.int32)


def self_contained(
    folder: Path, spec: EpisodeSpec, materialize: str, batch_size: int
) -> tf.data.Dataset:
    """Episodes that carry their features or images, ready for a model's `fit` or `predict`.

    Args:
        folder: written by `build_episodes --materialize=features` or `images`.
        spec: what its episodes look like.
        materialize: "features" or "images", as when they were built.
        batch_size: B.

    Returns:
        A data set of (inputs, query_labels int32 [B, Q]). Inputs are `support_labels` int32 [B, S]
        and `support_features` [B, S, D], `query_features` [B, Q, D], or `support_images` uint8
        [B, S, H, W, 3], `query_images` [B, Q, H, W, 3]. Iterating over it raises
        `tf.errors.OpError` where a record is truncated or of another kind, N, S, Q or D.

    Raises:
        UserError: if there are no records; names the folder.
    """
    files = [str(file) for file in record_files(folder)]
    records = tf.data.TFRecordDataset(files).batch(batch_size)
    return records.map(lambda batch: _inputs(schema.parse(batch, spec, materialize), materialize))


def _inputs(
    parsed: dict[str, tf.Tensor], materialize: str
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    inputs = {"support_labels": tf.cast(parsed["support/label"], tf.int32)}
    for part in ("support", "query"):
        if materialize == "features":
            inputs[f"{part}_features"] = parsed[f"{part}/features"]
        else:
            inputs[f"{part}_images"] = _decode(parsed[f"{part}/image"])
    return inputs, tf.cast(parsed["query/label"], tf.int32)


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    """PNG bytes [B, S] to uint8 [B, S, H, W, 3]."""
    images = tf.map_fn(
        lambda png: tf.io.decode_png(png, channels=3),
        tf.reshape(encoded, [-1]),
        fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8),
    )
    return tf.reshape(images, tf.concat([tf.shape(encoded), tf.shape(images)[1:]], axis=0))
