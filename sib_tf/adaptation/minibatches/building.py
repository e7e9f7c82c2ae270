"""Builds minibatch records with Apache Beam."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam

from sib_tf.adaptation.minibatches import schema
from sib_tf.adaptation.minibatches.sampling import Minibatches
from sib_tf.beam import runner
from sib_tf.beam.counters import counter
from sib_tf.datasets import prepared

CHUNK = 100  # minibatches of one Beam element: enough to hide what an element costs


class DrawMinibatches(beam.DoFn):
    """Numbers of the first minibatch of a chunk to records (bytes).

    Made of plain values only, so that any runner can ship it.

    Args:
        minibatches: how they are made.
        data: folder of the prepared TFDS data set.
        splits: a split for each domain.
        seed: seed of the draws.
        stream: keeps the minibatches of, say, "train" and "test" independent under one seed.
    """

    def __init__(
        self, minibatches: Minibatches, *, data: str, splits: Sequence[str], seed: int, stream: str
    ) -> None:
        self._minibatches, self._data, self._splits = minibatches, data, splits
        self._draws = {"seed": seed, "stream": stream}

    def setup(self) -> None:
        """Reads the labels, once on each worker."""
        builder = prepared.builder_of(self._data)
        self._labels = [prepared.read_labels(builder, split) for split in self._splits]

    def process(self, start: int) -> Iterator[bytes]:
        """Draws the chunk that begins at `start`."""
        count = self._minibatches.count([len(labels) for labels in self._labels])
        for index in range(start, min(start + CHUNK, count)):
            counter("minibatches").inc()
            yield schema.encode(self._minibatches.minibatch(self._labels, index, **self._draws))


def write(
    folder: Path,
    draw: DrawMinibatches,
    *,
    count: int,
    num_shards: int = 0,
    beam_args: Sequence[str] = (),
) -> None:
    """Writes `count` minibatches as sharded TFRecords into `folder`.

    Args:
        folder: folder to write.
        draw: what draws them.
        count: number of minibatches.
        num_shards: number of files; 0: the runner decides.
        beam_args: options of the Beam runner.
    """
    folder.mkdir(parents=True)
    runner.write_records(
        folder / "minibatches",
        range(0, count, CHUNK),
        beam.ParDo(draw),
        num_shards=num_shards,
        beam_args=beam_args,
    )
