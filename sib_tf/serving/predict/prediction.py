"""Classifies a user's own images with an exported model."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from sib_tf.base.atomic import written_file
from sib_tf.base.errors import UserError, first_line
from sib_tf.datasets.image_formats import why_no_image
from sib_tf.serving.exported_model import Answers
from sib_tf.serving.predict import gallery, sorting, table, thumbnails, truth
from sib_tf.serving.predict.image_task import ImageTask, image_task
from sib_tf.serving.predict.leave_one_out import Classifier, expectation
from sib_tf.serving.predict.near_duplicates import near_duplicates
from sib_tf.serving.predict.outcome import Outcome
from sib_tf.serving.predict.task import Task, read_task
from sib_tf.serving.predict.task_files import TaskFiles, find_files, find_unlabelled

PREDICTIONS_FILE = "predictions.csv"
PAGE_FILE = "predictions.html"


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


@runtime_checkable
class FeatureModel(Classifier, Protocol):
    """A model that can be asked again and again about features, as the one in this process can."""

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [n, D] of images uint8 [n, H, W, 3]."""


class UnlabelledModel(Protocol):
    """Classifies images of one domain of which none is labelled, as `ZeroShotModel` does.

    Attributes:
        image_size: height and width of the images that the model takes, in pixels.
        class_names: names of its classes, by label.
    """

    image_size: tuple[int, int]
    class_names: Sequence[str]

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features [n, ...] of images uint8 [n, H, W, 3]."""

    def classify_features(self, features: np.ndarray) -> Answers:
        """Classifies images by their features, all at a time."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What else is wanted than answers.

    Attributes:
        truth: folder with the query files in one folder per class, to measure the accuracy.
        sort_into: folder to make, with a folder of files per class.
        link: whether these are hard links instead of copies.
        take_steps: whether the model may take its synthetic steps; else the answers are of K = 0.
    """

    truth: Path | None = None
    sort_into: Path | None = None
    link: bool = False
    take_steps: bool = True


def classify_folder(
    model: Model, support: Path, query: Path, output: Path, options: Options | None = None
) -> Outcome:
    """Classifies a folder of images given a few images of every class.

    Writes `predictions.csv`, with the probabilities of all classes, and `predictions.html` with its
    folder `thumbnails`. Files that are no readable images are skipped with a warning; the csv says
    so for each file of the query. Where the labelled images say that the synthetic steps do harm,
    the answers are those at K = 0.

    Args:
        model: `ExportedModel`, or a model on a server (`sib_tf.serving.client`).
        support: folder with one folder of images for each of two or more classes, taken in the
            order of their names; the numbers of shots may differ.
        query: folder of the images to classify.
        output: folder to write to; made if missing.
        options: what else is wanted.

    Raises:
        UserError: if the model takes another number of classes, a folder is missing, there is but
            one class, one is left without support, no query image can be read, a server refuses,
            the truth of a file is missing or ambiguous, or the folder to sort into exists.
    """
    options = options or Options()
    files = find_files(support, query, model.num_classes)
    return _told(files, lambda: _classify(model, files, options.take_steps), output, options)


def classify_unlabelled(
    model: UnlabelledModel, query: Path, output: Path, options: Options | None = None
) -> Outcome:
    """Classifies a folder of images of a new domain, of which none is labelled.

    Writes what `classify_folder` writes.

    Args:
        model: `ZeroShotModel`.
        query: folder of the images to classify.
        output: folder to write to; made if missing.
        options: what else is wanted.

    Raises:
        UserError: if the folder is missing, no image can be read, the truth of a file is missing or
            ambiguous, or the folder to sort into exists.
    """
    options = options or Options()
    files = find_unlabelled(model.class_names, query)

    def classify() -> Outcome:
        task = read_task(files, model.image_size, model.features)
        return Outcome(task, model.classify_features(task.query.kept), options.take_steps)

    return _told(files, classify, output, options)


def _told(
    files: TaskFiles, classify: Callable[[], Outcome], output: Path, options: Options
) -> Outcome:
    """Classifies files, and writes what there is to say of them."""
    if options.sort_into:
        sorting.refuse_existing(options.sort_into)
    known = _truth(options, files)
    outcome = classify()
    if options.truth:
        labels = truth.labels(known, outcome.task.query_files)
        outcome = dataclasses.replace(outcome, truth=labels)
    _write(output, outcome)
    if options.sort_into:
        sorting.sort_into(options.sort_into, _by_class(outcome), link=options.link)
    return outcome


def _truth(options: Options, files: TaskFiles) -> dict[str, int]:
    """Labels by file name, of what seems to be an image, before any of them is read."""
    if options.truth is None:
        return {}
    # Reading says what is none; links to nothing have no truth either.
    images = [file for file in files.query if file.is_file() and why_no_image(file) is None]
    return truth.read(options.truth, files.class_names, images)


def _classify(model: Model, files: TaskFiles, take_steps: bool) -> Outcome:
    if isinstance(model, FeatureModel):
        return _classify_features(
            model, read_task(files, model.image_size, model.features), take_steps
        )
    task = read_task(files, model.image_size, lambda images: images)
    return Outcome(task, model.classify(image_task(task)), take_steps)


def _classify_features(model: FeatureModel, task: Task, take_steps: bool) -> Outcome:
    support, labels, query = task.support.kept, task.support_labels, task.query.kept
    answers = model.classify_features(support, labels, query)
    expected = None
    if np.bincount(labels).min() > 1:
        expected = expectation(model, support, labels, query)
    pairs = near_duplicates(support, labels)
    return Outcome(
        task,
        answers,
        takes_steps=take_steps and not (expected and expected.steps_harm),
        expectation=expected,
        near_duplicates=tuple((task.support_files[i], task.support_files[j]) for i, j in pairs),
    )


def _by_class(outcome: Outcome) -> dict[str, list[Path]]:
    return {
        name: list(compress(outcome.task.query_files, outcome.labels == label))
        for label, name in enumerate(outcome.task.class_names)
    }


def _write(output: Path, outcome: Outcome) -> None:
    shown = (*outcome.task.support.thumbnails, *outcome.task.query.thumbnails)
    with _explained(output):
        output.mkdir(parents=True, exist_ok=True)
        thumbnails.write(output, shown)
    with (
        _written(output / PREDICTIONS_FILE) as predictions,
        _written(output / PAGE_FILE) as page,
    ):
        table.write(predictions, outcome)
        gallery.write(page, outcome)
    thumbnails.remove_others(output, shown)


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """As `written_file`, with the remedy of this job."""
    with _explained(path), written_file(path) as beside:
        yield beside


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or first_line(error)}); make room, fix "
            "the permissions or name another --output"
        ) from error
