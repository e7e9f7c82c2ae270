"""predictions.csv: a line for each file."""

import csv
from collections.abc import Iterator
from pathlib import Path

from sib_tf.serving.predict.outcome import Outcome, margins

_COLUMNS = ("file", "label", "status", "probability", "label_k0", "probability_k0", "margin")


def write(path: Path, outcome: Outcome) -> None:
    r"""Writes label, status, probabilities and margin of each file, then those of all classes.

    A name that is no UTF-8 gets escapes, `caf\udce9`: the table stays text for every program.

    Args:
        path: file to write.
        outcome: what is known. The columns with `k0` are of K = 0, the others of the answers given.
    """
    names = outcome.task.class_names
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow([*_COLUMNS, *(f"p({name})" for name in names)])
        answers = _answers(outcome)
        unreadable = ["", "unreadable", *[""] * (len(_COLUMNS) - 3 + len(names))]
        task = outcome.task
        for query_file, readable in zip(task.files.query, task.query.readable, strict=True):
            writer.writerow([query_file.name, *(next(answers) if readable else unreadable)])


def _answers(outcome: Outcome) -> Iterator[list[str]]:
    names = outcome.task.class_names
    for label, of_classes, inductive_label, inductive, margin in zip(
        outcome.labels,
        outcome.probabilities,
        outcome.inductive_labels,
        outcome.inductive_probabilities.max(axis=1),
        margins(outcome.probabilities),
        strict=True,
    ):
        numbers = (f"{p:.6f}" for p in of_classes)
        yield [
            names[label],
            "ok",
            f"{of_classes[label]:.6f}",
            names[inductive_label],
            f"{inductive:.6f}",
            f"{margin:.6f}",
            *numbers,
        ]
