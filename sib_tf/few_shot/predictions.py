"""What each method predicts for stored episodes, with Beam.

A record is a `tf.train.Example` of one method and a chunk of episodes:

    feature         type          content
    method          bytes [1]     name of the method in `METHODS`
    start           int64 [1]     number of the first episode
    probabilities   bytes [1]     a serialized tensor, float32 [K+1, B, Q, N]
    seconds         float [1]     see `evaluation.Predictions`
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf

from sib_tf.base import commands, keras_file, storage
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.beam.counters import counter
from sib_tf.beam.records import parsed_batches, record_files, serialize
from sib_tf.features import feature_table
from sib_tf.few_shot.episodes.reader import EpisodeTable, read_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec
from sib_tf.few_shot.evaluation import (
    BATCH,
    Predictions,
    Predictor,
    joined,
    refuse_not_finite,
)
from sib_tf.few_shot.methods.registry import METHODS

_LAYOUT = {
    "method": tf.string,
    "start": tf.int64,
    "probabilities": tf.string,
    "seconds": tf.float32,
}


class PredictChunk(beam.DoFn):
    """Chunks of episodes, by the number of their first, to records of predictions (bytes).

    Made of plain values only, so that any runner can ship it. A method that is registered outside
    this package must be registered in the workers, too.

    Args:
        methods: names of the methods in `METHODS`.
        model: file of the trained classifier.
        num_steps: K, the largest number of steps to evaluate.
        features: folder of the features.
        episodes: folder of the episodes.
        spec: sizes and query shares of the episodes.
        count: number of episodes in the folder.
    """

    def __init__(
        self,
        *,
        methods: Sequence[str],
        model: str,
        num_steps: int,
        features: str,
        episodes: str,
        spec: EpisodeSpec,
        count: int,
    ) -> None:
        self._methods, self._model, self._num_steps = methods, model, num_steps
        self._features, self._episodes, self._spec, self._count = features, episodes, spec, count

    def setup(self) -> None:
        """Loads model, features and episodes."""
        classifier = keras_file.load(self._model)
        self._predictors = {
            name: Predictor(METHODS[name](classifier), self._num_steps) for name in self._methods
        }
        self._feature_table = feature_table.read(storage.path(self._features))
        self._table = read_table(storage.path(self._episodes), self._spec, self._count)

    def process(self, start: int) -> Iterator[bytes]:
        """Predicts the chunk that begins at `start`."""
        chunk = self._table.part(start, start + BATCH)
        counter("episodes").inc(len(chunk))
        for method, predictor in self._predictors.items():
            predictions = predictor(self._feature_table, chunk)
            refuse_not_finite(method, predictions.probabilities)
            yield _encode(method, start, predictions)


def _encode(method: str, start: int, predictions: Predictions) -> bytes:
    probabilities = tf.io.serialize_tensor(predictions.probabilities).numpy()
    return serialize(
        {"start": [start]},
        {"seconds": [predictions.seconds]},
        {"method": [method.encode()], "probabilities": [probabilities]},
    )


def classify_on_beam(
    scratch: Path,
    *,
    methods: Sequence[str],
    model: Path,
    num_steps: int,
    features: Path,
    episodes: Path,
    spec: EpisodeSpec,
    count: int,
    beam_args: Sequence[str] = (),
) -> tuple[EpisodeTable, dict[str, Predictions]]:
    """Runs methods over all episodes of a folder, on the workers of a Beam runner.

    Args:
        scratch: folder for intermediate files, which all workers can write; made, then removed.
        methods: names of the methods in `METHODS`.
        model: file of the trained classifier.
        num_steps: K, the largest number of steps to evaluate.
        features: folder of the features.
        episodes: folder of the episodes.
        spec: sizes and query shares of the episodes.
        count: number of episodes in the folder.
        beam_args: options of the Beam runner.

    Returns:
        The episodes, and the predictions for them by method, in the order of `methods`.

    Raises:
        UserError: if an input is bad, a method is unknown or a chunk is missing.
    """
    chunks = PredictChunk(
        methods=tuple(methods),
        model=str(model),
        num_steps=num_steps,
        features=str(features),
        episodes=str(episodes),
        spec=spec,
        count=count,
    )
    scratch.mkdir(parents=True)
    starts = range(0, count, BATCH)
    runner.write_records(scratch / "predictions", starts, beam.ParDo(chunks), beam_args=beam_args)
    table = read_table(episodes, spec, count)
    found = _read(scratch, methods, starts, table.query_labels)
    storage.remove(scratch)
    return table, found


def _read(
    folder: Path, methods: Sequence[str], starts: Sequence[int], labels: np.ndarray
) -> dict[str, Predictions]:
    """The predictions of all episodes by method."""
    parts: dict[str, dict[int, Predictions]] = {method: {} for method in methods}
    for batch in parsed_batches(record_files(folder), _parse, batch_size=BATCH):
        columns = (batch[name].numpy() for name in _LAYOUT)
        for method, start, serialized, seconds in zip(*columns, strict=True):
            probabilities = tf.io.parse_tensor(serialized, tf.float32).numpy()
            truth = labels[start : start + BATCH]
            parts[method.decode()][start] = Predictions(probabilities, truth, float(seconds))
    if any(sorted(found) != list(starts) for found in parts.values()):
        raise UserError(f"{folder} lacks predictions: run {commands.job('evaluate')} again.")
    return {method: joined([found[n] for n in starts]) for method, found in parts.items()}


def _parse(records: tf.Tensor) -> dict[str, tf.Tensor]:
    layout = {name: tf.io.FixedLenFeature([], dtype) for name, dtype in _LAYOUT.items()}
    return tf.io.parse_example(records, layout)
