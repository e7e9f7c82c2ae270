"""Classifies a user's own images with an exported model."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from sib_tf.base.atomic import written_file
from sib_tf.base.errors import UserError, first_line
from sib_tf.datasets.images import list_class_folders
from sib_tf.serving.exported_model import Answers
from sib_tf.serving.predict.contact_sheet import draw_contact_sheet
from sib_tf.serving.predict.image_task import ImageTask, read_image_task

PREDICTIONS_FILE = "predictions.csv"
CONTACT_SHEET_FILE = "contact_sheet.png"


class Counts(NamedTuple):
    """How many query images were classified and how many could not be read."""

    classified: int
    unreadable: int


class Model(Protocol):
    """Classifies the query of a task given its support.

    Attributes:
        image_size: height and width of the images that the model takes, in pixels.
        num_classes: number of classes that the model tells apart; None if any number.
    """

    image_size: tuple[int, int]
    num_classes: int | None

    def classify(self, task: ImageTask) -> Answers:
        """Classifies every query image."""


def classify_folder(model: Model, support: Path, query: Path, output: Path) -> Counts:
    """Classifies a folder of images given a few images of every class.

    Writes `predictions.csv`, with the probabilities of all classes, and `contact_sheet.png`.
    Files that are no readable images are skipped with a warning; the csv says so for each file of
    the query.

    Args:
        model: `ExportedModel`, or a model on a server (`sib_tf.serving.client`).
        support: folder with one folder of images for each of two or more classes, taken in the
            order of their names; the numbers of shots may differ.
        query: folder of the images to classify.
        output: folder to write to; made if missing.

    Raises:
        UserError: if the model takes another number of classes, a folder is missing, there is but
            one class, one is left without support, no query image can be read or a server refuses.
    """
    classes = list_class_folders(support)
    if len(classes) < 2:
        raise UserError(f"{support}: has one class folder only; add those of the other classes")
    if model.num_classes not in (None, len(classes)):
        raise UserError(
            f"{support}: has {len(classes)} class folders but the model tells "
            f"{model.num_classes} classes apart; give it {model.num_classes} class folders"
        )
    task = read_image_task(support, classes, query, model.image_size)
    probabilities = model.classify(task).probabilities

    output.mkdir(parents=True, exist_ok=True)
    with (
        _written(output / PREDICTIONS_FILE) as predictions,
        _written(output / CONTACT_SHEET_FILE) as sheet,
    ):
        _write_predictions(predictions, task, probabilities)
        draw_contact_sheet(task, probabilities).savefig(sheet)
    num_classified = len(task.query_images)
    return Counts(num_classified, len(task.query_files) - num_classified)


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """As `written_file`, with the remedy of this job."""
    try:
        with written_file(path) as beside:
            yield beside
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or first_line(error)}); make room, fix "
            "the permissions or name another --output"
        ) from error


def _write_predictions(path: Path, task: ImageTask, probabilities: np.ndarray) -> None:
    names = np.array(task.class_names)[probabilities.argmax(axis=1)]
    predictions = zip(names, probabilities, strict=True)
    # A name that is not UTF-8 is written as `legible` does.
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "status", *(f"p({c})" for c in task.class_names)])
        for query_file, readable in zip(task.query_files, task.readable, strict=True):
            if readable:
                name, row = next(predictions)
                writer.writerow([query_file.name, name, "ok", *(f"{p:.6f}" for p in row)])
            else:
                blanks = [""] * len(task.class_names)
                writer.writerow([query_file.name, "", "unreadable", *blanks])
