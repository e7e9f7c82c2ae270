"""The labels of a split, read on Beam out of the records of its images."""

import apache_beam as beam
import numpy as np

from sib_tf.datasets import prepared


class ReadLabels(beam.PTransform):
    """From the beginning of a pipeline to the labels of each shard: (shard, int64 [n]).

    Args:
        data: folder of the prepared TFDS data set.
        split: name of the split, such as "train".
    """

    def __init__(self, data: str, split: str) -> None:
        super().__init__()
        self._data, self._split = data, split

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Called by Beam."""
        shards = range(prepared.builder_of(self._data).info.splits[self._split].num_shards)
        return (
            begin
            | "Shards" >> beam.Create(shards)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.Map(_read_shard, self._data, self._split)
        )


def _read_shard(shard: int, data: str, split: str) -> tuple[int, np.ndarray]:
    return shard, prepared.read_labels(prepared.builder_of(data), f"{split}[{shard}shard]")
