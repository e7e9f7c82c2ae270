"""Builds episode records with Apache Beam."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np

from sib_tf import beam_runner
from sib_tf.counters import counter
from sib_tf.episodes import schema
from sib_tf.episodes.sampling import Episode, EpisodeSpec, sample

CHUNK = 100  # episodes of one Beam element: enough to hide what an element costs

# Label -> positions of its examples in the split.
Groups = Mapping[int, np.ndarray]
# Contents of the examples at some positions of their split, one row or PNG each.
Lookup = Callable[[np.ndarray], np.ndarray]


class SampleEpisodes(beam.PTransform):
    """Numbers of first episodes of a chunk to episode records (bytes).

    Args:
        open_groups: gives the `Groups` that are drawn from; called when a worker begins.
        spec: what an episode looks like.
        seed: of the experiment.
        stream: name of this set of episodes under the seed.
        count: number of episodes in all.
        materialize: "ids", "features" or "images".
        open_lookup: called when a worker begins, gives the `Lookup` of features or images; None
            with "ids".
    """

    def __init__(
        self,
        open_groups: Callable[[], Groups],
        spec: EpisodeSpec,
        *,
        seed: int,
        stream: str,
        count: int,
        materialize: str = "ids",
        open_lookup: Callable[[], Lookup] | None = None,
    ) -> None:
        super().__init__()
        self._draw = _Draw(open_groups, spec, count, seed=seed, stream=stream)
        self._encode = _Encode(materialize, open_lookup)

    def expand(self, starts: beam.PCollection) -> beam.PCollection:
        """Called by Beam."""
        return starts | "Draw" >> beam.ParDo(self._draw) | "Encode" >> beam.ParDo(self._encode)


class _Draw(beam.DoFn):
    """First number of a chunk -> its episodes."""

    def __init__(
        self, open_groups: Callable[[], Groups], spec: EpisodeSpec, count: int, **stream: int | str
    ) -> None:
        self._open_groups, self._spec, self._count, self._stream = open_groups, spec, count, stream

    def setup(self) -> None:
        self._groups = self._open_groups()

    def process(self, start: int) -> Iterator[Episode]:
        for index in range(start, min(start + CHUNK, self._count)):
            yield sample(self._groups, self._spec, index=index, **self._stream)


class _Encode(beam.DoFn):
    def __init__(self, materialize: str, open_lookup: Callable[[], Lookup] | None) -> None:
        self._materialize, self._open_lookup = materialize, open_lookup

    def setup(self) -> None:
        self._lookup = self._open_lookup() if self._open_lookup else None

    def process(self, episode: Episode) -> Iterator[bytes]:
        contents = {}
        if self._lookup:
            parts = (self._lookup(episode.support_ids), self._lookup(episode.query_ids))
            contents = {self._materialize: parts}
        counter("episodes").inc()
        yield schema.encode(episode, **contents)


def write(
    folder: Path,
    episodes: SampleEpisodes,
    *,
    count: int,
    num_shards: int = 0,
    beam_args: Sequence[str] = (),
) -> None:
    """Writes `count` episodes as sharded TFRecords into `folder`.

    Args:
        folder: to write.
        episodes: the transform that draws them.
        count: number of episodes.
        num_shards: of the files; 0 leaves it to the runner.
        beam_args: options of the Beam runner.
    """
    folder.mkdir(parents=True)
    beam_runner.write_records(
        folder / "episodes",
        range(0, count, CHUNK),
        episodes,
        num_shards=num_shards,
        beam_args=beam_args,
    )
