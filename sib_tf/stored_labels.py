"""The labels of a split, in records that every worker can read: what episodes are drawn from.

Read out of the images' records once, on Beam, a shard at a time. A record is a `tf.train.Example`:

    feature    type           content
    shard      int64 [1]      number of the shard of the data set
    label      int64 [n]      labels of its examples, in their order
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf

from sib_tf import beam_runner, datasets
from sib_tf.counters import counter
from sib_tf.records import parsed_batches, record_files, serialize


class _ReadShards(beam.PTransform):
    """Numbers of shards to label records (bytes); counts the classes that have too few examples."""

    def __init__(self, data: str, split: str, needed: int) -> None:
        super().__init__()
        self._data, self._split, self._needed = data, split, needed

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        """Called by Beam."""
        labels = shards | "Read" >> beam.Map(_read_shard, self._data, self._split)
        _ = (
            labels
            | "Classes" >> beam.FlatMap(_class_sizes)
            | "Sizes" >> beam.CombinePerKey(sum)
            | "Too small" >> beam.Map(_count_small, self._needed)
        )
        return labels | "Encode" >> beam.Map(_encode)


def _read_shard(shard: int, data: str, split: str) -> tuple[int, np.ndarray]:
    builder = datasets.builder_of(data)
    return shard, datasets.read_labels(builder, f"{split}[{shard}shard]")


def _class_sizes(shard: tuple[int, np.ndarray]) -> Iterator[tuple[int, int]]:
    classes, sizes = np.unique(shard[1], return_counts=True)
    return zip(classes.tolist(), sizes.tolist(), strict=True)


def _count_small(class_size: tuple[int, int], needed: int) -> None:
    if class_size[1] < needed:
        counter("classes too small").inc()


def _encode(shard: tuple[int, np.ndarray]) -> bytes:
    return serialize({"shard": [shard[0]], "label": shard[1]})


def write(
    folder: Path, *, data: Path, split: str, needed: int, beam_args: Sequence[str] = ()
) -> None:
    """Writes the labels of a split into `folder`.

    Args:
        folder: to write.
        data: folder of the prepared TFDS data set.
        split: of the data set.
        needed: examples of a class; workers count the classes with fewer.
        beam_args: options of the Beam runner.

    Raises:
        UserError: the data set cannot be read; names its folder.
    """
    folder.mkdir(parents=True)
    shards = datasets.builder_of(data).info.splits[split].num_shards
    beam_runner.write_records(
        folder / "labels",
        range(shards),
        _ReadShards(str(data), split, needed),
        beam_args=beam_args,
    )


def read(folder: Path) -> np.ndarray:
    """The labels by the position of the example, int64 [n].

    Raises:
        UserError: the records are missing or damaged.
    """
    batches = parsed_batches(record_files(folder), _parse, batch_size=1)
    by_shard = {int(batch["shard"][0]): batch["label"].numpy()[0] for batch in batches}
    return np.concatenate([by_shard[shard] for shard in sorted(by_shard)])


def _parse(records: tf.Tensor) -> dict[str, tf.Tensor]:
    layout = {
        "shard": tf.io.FixedLenFeature([], tf.int64),
        "label": tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
    }
    return tf.io.parse_example(records, layout)
