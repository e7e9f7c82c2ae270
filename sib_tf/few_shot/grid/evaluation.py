"""Evaluates methods in the cells of a grid, with Beam.

A record is a `tf.train.Example` of one method on a chunk of the episodes of a cell:

    feature     type         content
    cell        int64 [1]    number of the cell
    start       int64 [1]    number of the first episode
    method      bytes [1]    name of the method in `METHODS`
    accuracy    float [B]    accuracy of each episode
"""

import collections
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf

from sib_tf.base import storage
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.beam.counters import counter
from sib_tf.beam.records import parsed_batches, record_files, serialize
from sib_tf.features import feature_table
from sib_tf.few_shot.classifier import Classifier
from sib_tf.few_shot.episodes.reader import EpisodeTable, draw_table
from sib_tf.few_shot.episodes.sampling import examples_by_class
from sib_tf.few_shot.evaluation import Predictor, of_episodes, refuse_not_finite
from sib_tf.few_shot.grid.settings import Cell
from sib_tf.few_shot.methods.registry import METHODS

_CHUNK = 100  # episodes of a Beam element
_QUERIES_PER_CALL = 7500  # of a call; fixed, because their number changes the last bits
_LAYOUT = {
    "cell": tf.io.FixedLenFeature([], tf.int64),
    "start": tf.io.FixedLenFeature([], tf.int64),
    "method": tf.io.FixedLenFeature([], tf.string),
    "accuracy": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
}

Size = tuple[int, int, int]  # N, shots and Q

# Method -> accuracy of each episode of a cell, float32 [E].
Accuracies = Mapping[str, np.ndarray]


class EvaluateChunk(beam.DoFn):
    """Numbers of pieces of work to records of accuracies (bytes).

    Args:
        cells: cells of the grid.
        load: callable that loads the trained classifier; it travels to the workers.
        features: folder of the features of the test split.
        seed: seed of the episodes.
    """

    def __init__(
        self, cells: Sequence[Cell], *, load: Callable[[], Classifier], features: str, seed: int
    ) -> None:
        self._cells, self._load, self._features, self._seed = cells, load, features, seed
        self._pieces = pieces(cells)

    def setup(self) -> None:
        """Loads model and features."""
        self._classifier = self._load()
        self._table = feature_table.read(storage.path(self._features))
        # One for each size of episodes: TensorFlow warns of a function that is traced many times.
        self._predictors: dict[tuple[str, Size], Predictor] = {}

    def process(self, number: int) -> Iterator[bytes]:
        """Draws the episodes of a piece of work and classifies them by every method."""
        cell_number, start = self._pieces[number]
        cell = self._cells[cell_number]
        if start == 0:
            logging.getLogger("sib_tf").info(
                "cell %d of %d: %s", cell_number + 1, len(self._cells), cell
            )
        episodes = self._draw(cell, range(start, min(start + _CHUNK, cell.count)))
        counter("episodes").inc(len(episodes))
        for method in cell.methods:
            yield serialize(
                {"cell": [cell_number], "start": [start]},
                {"accuracy": self._accuracy(method, episodes, cell)},
                {"method": [method.encode()]},
            )

    def _draw(self, cell: Cell, indices: range) -> EpisodeTable:
        groups = _groups(self._table.labels, cell)
        return draw_table(groups, cell.spec, indices, seed=self._seed, stream=cell.stream)

    def _accuracy(self, method: str, episodes: EpisodeTable, cell: Cell) -> np.ndarray:
        """Accuracy of each episode, float [E]."""
        predict, size, found = self._predictor(method, cell), _episodes_per_call(cell), []
        for first in range(0, len(episodes), size):
            part = predict(self._table, episodes.part(first, first + size))
            refuse_not_finite(method, part.probabilities)
            found.append(of_episodes(part.probabilities[-1], part.labels))
        return np.concatenate(found)

    def _predictor(self, method: str, cell: Cell) -> Predictor:
        key = method, (cell.spec.way, cell.spec.shot, cell.spec.queries)
        if key not in self._predictors:
            self._predictors[key] = Predictor(
                METHODS[method](self._classifier), self._classifier.num_steps
            )
        return self._predictors[key]


def _groups(labels: np.ndarray, cell: Cell) -> dict[int, np.ndarray]:
    """Positions of the examples of each class, see `examples_by_class`."""
    names = [str(label) for label in range(labels.max() + 1)]
    return examples_by_class(labels, cell.spec, names, "test")


def pieces(cells: Sequence[Cell]) -> list[tuple[int, int]]:
    """Number of the cell and of the first episode of each piece of work."""
    return [
        (number, start)
        for number, cell in enumerate(cells)
        for start in range(0, cell.count, _CHUNK)
    ]


def _episodes_per_call(cell: Cell) -> int:
    return max(1, min(_CHUNK, _QUERIES_PER_CALL // cell.spec.queries))


def fitting(cells: Sequence[Cell], labels: np.ndarray) -> tuple[list[Cell], list[str]]:
    """The cells whose episodes the data can fill, and a line about each of the others.

    Args:
        cells: cells of the grid.
        labels: labels of the test split, int [n].
    """
    kept, left_out = [], []
    for cell in cells:
        try:
            _groups(labels, cell)
            kept.append(cell)
        except UserError as error:
            left_out.append(f"{cell}: {str(error).partition(':')[0]}.")
    return kept, left_out


def evaluate_on_beam(
    scratch: Path,
    cells: Sequence[Cell],
    *,
    load: Callable[[], Classifier],
    features: Path,
    seed: int,
    beam_args: Sequence[str] = (),
) -> list[Accuracies]:
    """Runs the methods of each cell over its episodes, on the workers of a Beam runner.

    Args:
        scratch: folder for intermediate files, which all workers can write; made, then removed.
        cells: cells of the grid.
        load: callable that loads the trained classifier; it travels to the workers.
        features: folder of the features of the test split.
        seed: seed of the episodes.
        beam_args: options of the Beam runner.

    Returns:
        The accuracies of each cell, in the order of its methods.

    Raises:
        UserError: if an input is bad, or a method diverges.
    """
    scratch.mkdir(parents=True)
    work = EvaluateChunk(cells, load=load, features=str(features), seed=seed)
    numbers = range(len(pieces(cells)))
    runner.write_records(scratch / "accuracies", numbers, beam.ParDo(work), beam_args=beam_args)
    found = _read(scratch, cells)
    storage.remove(scratch)
    return found


def _read(folder: Path, cells: Sequence[Cell]) -> list[Accuracies]:
    parts: dict[tuple[int, str], dict[int, np.ndarray]] = collections.defaultdict(dict)
    for batch in parsed_batches(record_files(folder), _parse, batch_size=1):
        key = (int(batch["cell"][0]), batch["method"][0].numpy().decode())
        parts[key][int(batch["start"][0])] = batch["accuracy"][0].numpy()
    return [
        {
            method: np.concatenate([part for _, part in sorted(parts[number, method].items())])
            for method in cell.methods
        }
        for number, cell in enumerate(cells)
    ]


def _parse(records: tf.Tensor) -> dict[str, tf.Tensor]:
    return tf.io.parse_example(records, _LAYOUT)
