"""What a model predicts for stored episodes, with Beam.

A record is a `tf.train.Example` of one method and a chunk of episodes:

    feature         type          content
    method          bytes [1]     "sib", or "prototypes" of the same features
    start           int64 [1]     number of the first episode
    probabilities   bytes [1]     a serialized tensor, float32 [K+1, B, Q, N]
    seconds         float [1]     as of `evaluation.Predictions`
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf

from sib_tf.base import keras_file, storage
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.beam.counters import counter
from sib_tf.beam.records import parsed_batches, record_files, serialize
from sib_tf.features import feature_table
from sib_tf.few_shot.episodes.reader import EpisodeTable, read_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec
from sib_tf.few_shot.evaluation import BATCH, Predictions, Predictor, joined
from sib_tf.few_shot.model import FewShotClassifier

METHODS = ("prototypes", "sib")
_LAYOUT = {
    "method": tf.string,
    "start": tf.int64,
    "probabilities": tf.string,
    "seconds": tf.float32,
}


class PredictChunk(beam.DoFn):
    """Chunks of episodes, by the number of their first, to records of predictions (bytes).

    Made of plain values only, so that any runner can ship it.

    Args:
        model: file of the trained model.
        num_steps: K that it is evaluated to; prototypes take no step.
        features: folder of the features.
        episodes: folder of the episodes.
        spec: of these.
        count: how many they are.
    """

    def __init__(
        self,
        *,
        model: str,
        num_steps: int,
        features: str,
        episodes: str,
        spec: EpisodeSpec,
        count: int,
    ) -> None:
        self._model, self._num_steps, self._features = model, num_steps, features
        self._episodes, self._spec, self._count = episodes, spec, count

    def setup(self) -> None:
        """Loads model, features and episodes."""
        model = keras_file.load(self._model)
        prototypes = FewShotClassifier(model.way, model.feature_dim, num_steps=0)
        predictors = (Predictor(prototypes, 0), Predictor(model, self._num_steps))
        self._predictors = dict(zip(METHODS, predictors, strict=True))
        self._feature_table = feature_table.read(storage.path(self._features))
        self._table = read_table(storage.path(self._episodes), self._spec, self._count)

    def process(self, start: int) -> Iterator[bytes]:
        """Predicts the chunk that begins at `start`."""
        chunk = self._table.part(start, start + BATCH)
        counter("episodes").inc(len(chunk))
        for method, predictor in self._predictors.items():
            yield _encode(method, start, predictor(self._feature_table, chunk))


def _encode(method: str, start: int, predictions: Predictions) -> bytes:
    probabilities = tf.io.serialize_tensor(predictions.probabilities).numpy()
    return serialize(
        {"start": [start]},
        {"seconds": [predictions.seconds]},
        {"method": [method.encode()], "probabilities": [probabilities]},
    )


def predict(
    scratch: Path,
    *,
    model: Path,
    num_steps: int,
    features: Path,
    episodes: Path,
    spec: EpisodeSpec,
    count: int,
    beam_args: Sequence[str] = (),
) -> tuple[EpisodeTable, dict[str, Predictions]]:
    """Predicts all episodes of a folder.

    Args:
        scratch: folder to make, which all workers can write, and to remove again.
        model: file of the trained model.
        num_steps: K that it is evaluated to.
        features: folder of the features.
        episodes: folder of the episodes.
        spec: of these.
        count: how many they are.
        beam_args: options of the Beam runner.

    Returns:
        The episodes, and the predictions of them by method.

    Raises:
        UserError: bad input, or a chunk is missing.
    """
    chunks = PredictChunk(
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
    found = _read(scratch, starts, table.query_labels)
    storage.remove(scratch)
    return table, found


def _read(folder: Path, starts: Sequence[int], labels: np.ndarray) -> dict[str, Predictions]:
    """The predictions of all episodes by method."""
    parts: dict[str, dict[int, Predictions]] = {method: {} for method in METHODS}
    for batch in parsed_batches(record_files(folder), _parse, batch_size=BATCH):
        columns = (batch[name].numpy() for name in _LAYOUT)
        for method, start, serialized, seconds in zip(*columns, strict=True):
            probabilities = tf.io.parse_tensor(serialized, tf.float32).numpy()
            truth = labels[start : start + BATCH]
            parts[method.decode()][start] = Predictions(probabilities, truth, float(seconds))
    if any(sorted(found) != list(starts) for found in parts.values()):
        raise UserError(f"{folder} lacks predictions: run `python -m jobs.evaluate` again.")
    return {method: joined([found[n] for n in starts]) for method, found in parts.items()}


def _parse(records: tf.Tensor) -> dict[str, tf.Tensor]:
    layout = {name: tf.io.FixedLenFeature([], dtype) for name, dtype in _LAYOUT.items()}
    return tf.io.parse_example(records, layout)
