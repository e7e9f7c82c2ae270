"""Builds episode records with Apache Beam."""

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import apache_beam as beam
import numpy as np

from sib_tf.beam import runner
from sib_tf.beam.counters import counter
from sib_tf.few_shot.episodes import schema
from sib_tf.few_shot.episodes.class_sizes import CountSmallClasses
from sib_tf.few_shot.episodes.sampling import Episode, EpisodeSpec, examples_by_class, sample
from sib_tf.few_shot.episodes.varied import VariedEpisodes

CHUNK = 100  # episodes of one Beam element: enough to hide what an element costs

# Contents of the examples at some positions of their split, one row or PNG each.
Lookup = Callable[[np.ndarray], np.ndarray]


class SampleEpisodes(beam.PTransform):
    """Numbers of first episodes of a chunk to episode records (bytes).

    Args:
        labels: transform from the beginning of a pipeline to parts of the split: (number of the
            part, labels int64 [n]). They travel beside the pipeline, since engines limit what goes
            with it.
        spec: what an episode looks like; it may vary.
        class_names: name of each label, for messages.
        split: its name, which also tells its episodes from those of another under the seed.
        seed: seed of the draws.
        count: number of episodes in all.
        materialize: "ids", "features" or "images".
        open_lookup: callable: nothing -> `Lookup` of features or images, called when a worker
            starts; None with "ids".

    Raises:
        UserError: on a worker, if there are too few classes, or classes with too few examples.
    """

    def __init__(
        self,
        labels: beam.PTransform,
        spec: EpisodeSpec | VariedEpisodes,
        *,
        class_names: Sequence[str],
        split: str,
        seed: int,
        count: int,
        materialize: str = "ids",
        open_lookup: Callable[[], Lookup] | None = None,
    ) -> None:
        super().__init__()
        self._labels, self._needed = labels, spec.needed_of_a_class
        self._draw = _Draw(spec, class_names, split, seed, count)
        self._encode = _Encode(materialize, open_lookup)

    def expand(self, starts: beam.PCollection) -> beam.PCollection:
        """Called by Beam."""
        parts = starts.pipeline | "Labels" >> self._labels
        _ = parts | "Small classes" >> CountSmallClasses(self._needed)
        return (
            starts
            | "Draw" >> beam.ParDo(self._draw, beam.pvalue.AsList(parts))
            | "Encode" >> beam.ParDo(self._encode)
        )


class _Draw(beam.DoFn):
    """First number of a chunk -> its episodes."""

    def __init__(
        self,
        spec: EpisodeSpec | VariedEpisodes,
        class_names: Sequence[str],
        split: str,
        seed: int,
        count: int,
    ) -> None:
        self._spec, self._class_names, self._split = spec, class_names, split
        self._seed, self._count = seed, count

    def setup(self) -> None:
        self._groups = None

    def process(self, start: int, parts: list[tuple[int, np.ndarray]]) -> Iterator[Episode]:
        if self._groups is None:  # the same parts every time
            labels = np.concatenate([labels for _, labels in sorted(parts, key=itemgetter(0))])
            self._groups = examples_by_class(labels, self._spec, self._class_names, self._split)
        smallest = min(map(len, self._groups.values()))
        for index in range(start, min(start + CHUNK, self._count)):
            number = {"seed": self._seed, "stream": self._split, "index": index}
            yield sample(self._groups, self._spec.spec(smallest, **number), **number)


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
        folder: folder to write.
        episodes: the transform that draws them.
        count: number of episodes.
        num_shards: number of files; 0: the runner decides.
        beam_args: options of the Beam runner.
    """
    folder.mkdir(parents=True)
    runner.write_records(
        folder / "episodes",
        range(0, count, CHUNK),
        episodes,
        num_shards=num_shards,
        beam_args=beam_args,
    )
