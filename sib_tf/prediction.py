"""Classifies a user's own images with an exported model."""

import csv
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sib_tf.errors import UserError
from sib_tf.images import list_class_folders, list_images, read_rgb

PREDICTIONS_FILE = "predictions.csv"
CONTACT_SHEET_FILE = "contact_sheet.png"

_SIGNATURE = "serving_default"

# The contact sheet, in inches.
_MARGIN, _GUTTER, _HEADER = 0.3, 0.35, 0.3
_CELL, _IMAGE_WIDTH, _CAPTION = 1.0, 0.92, 0.17
_SUPPORT_COLUMNS, _QUERY_COLUMNS = 5, 10
_MAX_ROWS_PER_CLASS = 10
_DPI, _MAX_PIXELS = 120, 60_000  # matplotlib refuses pictures higher than 65,535 pixels
_INK, _GREY, _RULE = "#222222", "#767676", "#dddddd"


class Counts(NamedTuple):
    """How many query images were classified and how many could not be read."""

    classified: int
    unreadable: int


@dataclass(frozen=True)
class Episode:
    """One few-shot task made of a user's images.

    Attributes:
      class_names: The N classes in the order of their labels.
      support_images: uint8 [S, H, W, 3], grouped by class.
      support_labels: int32 [S].
      query_files: All query files, whether readable or not.
      query_images: uint8 [Q, H, W, 3], the readable ones.
      readable: bool [len(query_files)].
    """

    class_names: tuple[str, ...]
    support_images: np.ndarray
    support_labels: np.ndarray
    query_files: tuple[Path, ...]
    query_images: np.ndarray
    readable: np.ndarray


class ExportedModel:
    """A SavedModel that classifies the query of an episode given its support.

    Attributes:
      image_size: Height and width of the images that it takes.
      num_classes: The number of classes that it tells apart, None if any.
    """

    def __init__(self, folder: Path) -> None:
        """Loads the model.

        Args:
          folder: An export with numbered versions, of which the newest is taken, or a version.

        Raises:
          UserError: The folder holds no SavedModel or one of another signature.
        """
        version = _newest_version(folder)
        try:
            self._model = tf.saved_model.load(str(version))
            self._classify = self._model.signatures[_SIGNATURE]
            _, arguments = self._classify.structured_input_signature
            height, width = arguments["query_images"].shape[2:4]
            if None in (height, width):
                raise ValueError("its image size is not fixed")
            probabilities = self._classify.structured_outputs["probabilities"]
        except (KeyError, OSError, ValueError, tf.errors.OpError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{version}: cannot be loaded as an exported model ({reason}); export it anew"
            ) from error
        self.image_size: tuple[int, int] = (height, width)
        self.num_classes: int | None = probabilities.shape[-1]

    def classify(self, episode: Episode) -> np.ndarray:
        """Returns the probabilities of the classes of every query image, float32 [Q, N]."""
        outputs = self._classify(
            support_images=tf.constant(episode.support_images[np.newaxis]),
            support_labels=tf.constant(episode.support_labels[np.newaxis]),
            query_images=tf.constant(episode.query_images[np.newaxis]),
        )
        return outputs["probabilities"].numpy()[0]


def predict(model_dir: Path, support: Path, query: Path, output: Path) -> Counts:
    """Classifies a folder of images given a few images of every class.

    Writes `predictions.csv`, with the probabilities of all classes, and `contact_sheet.png`.
    Images that cannot be read are skipped with a warning; the csv says so for those of the query.

    Args:
      model_dir: An export with numbered versions, or one version of it.
      support: A folder with one folder of images per class; the numbers of shots may differ.
      query: A folder of images.
      output: The folder to write to; made if missing.

    Raises:
      UserError: The model cannot be loaded or serves another number of classes, a folder is
        missing, a class is left without support or no query image can be read.
    """
    classes = list_class_folders(support)
    model = ExportedModel(model_dir)
    if model.num_classes not in (None, len(classes)):
        raise UserError(
            f"{support}: has {len(classes)} class folders but the model tells "
            f"{model.num_classes} classes apart; give it {model.num_classes} class folders"
        )
    episode = read_episode(support, classes, query, model.image_size)
    probabilities = model.classify(episode)

    output.mkdir(parents=True, exist_ok=True)
    with _renamed_when_complete(output / PREDICTIONS_FILE) as path:
        _write_predictions(path, episode, probabilities)
    with _renamed_when_complete(output / CONTACT_SHEET_FILE) as path:
        draw_contact_sheet(episode, probabilities).savefig(path)
    num_classified = len(episode.query_images)
    return Counts(num_classified, len(episode.query_files) - num_classified)


def read_episode(
    support: Path, classes: dict[str, list[Path]], query: Path, size: tuple[int, int]
) -> Episode:
    """Reads the images of an episode, skipping with a warning those that cannot be read.

    Args:
      support: The folder of the class folders.
      classes: Its image files by class name.
      query: The folder of the query images.
      size: Height and width to bring the images to.

    Raises:
      UserError: A class is left without support or no query image can be read.
    """
    support_images, support_labels = [], []
    for label, (name, files) in enumerate(classes.items()):
        shots = [image for image in _read_images(files, size) if image is not None]
        if not shots:
            raise UserError(f"{support / name}: none of the images can be read; replace them")
        support_images += shots
        support_labels += [label] * len(shots)

    query_files = list_images(query)
    query_images = _read_images(query_files, size)
    readable = np.array([image is not None for image in query_images], bool)
    if not readable.any():
        raise UserError(f"{query}: has no image that can be read; add images to classify")
    return Episode(
        class_names=tuple(classes),
        support_images=np.stack(support_images),
        support_labels=np.array(support_labels, np.int32),
        query_files=tuple(query_files),
        query_images=np.stack([image for image in query_images if image is not None]),
        readable=readable,
    )


def draw_contact_sheet(episode: Episode, probabilities: np.ndarray) -> Figure:
    """Draws the support images by class and the query images by predicted class.

    Args:
      episode: What was classified.
      probabilities: float32 [Q, N] of the readable query images.

    Returns:
      One band per class: its support on the left; on the right the query images predicted to be
      of the class, the most probable first, titled with that probability.
    """
    return _ContactSheet(episode, probabilities).draw()


def _newest_version(folder: Path) -> Path:
    if (folder / "saved_model.pb").is_file():
        return folder
    if not folder.is_dir():
        raise UserError(f"{folder}: no such model folder; check the path")
    versions = [path for path in folder.iterdir() if path.is_dir() and path.name.isdecimal()]
    if not versions:
        raise UserError(
            f"{folder}: holds neither a SavedModel nor numbered versions of one; "
            "name the folder of an exported model"
        )
    return max(versions, key=lambda path: int(path.name))


def _read_images(files: Iterable[Path], size: tuple[int, int]) -> list[np.ndarray | None]:
    return [_read_or_warn(file, size) for file in files]


def _read_or_warn(file: Path, size: tuple[int, int]) -> np.ndarray | None:
    try:
        return read_rgb(file, size)
    except UserError as error:
        logging.warning("Skipped: %s", error)
        return None


@contextmanager
def _renamed_when_complete(path: Path) -> Iterator[Path]:
    # The suffix stays last: matplotlib derives the format from it.
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_predictions(path: Path, episode: Episode, probabilities: np.ndarray) -> None:
    names = np.array(episode.class_names)[probabilities.argmax(axis=1)]
    predictions = zip(names, probabilities, strict=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "status", *(f"p({c})" for c in episode.class_names)])
        for query_file, readable in zip(episode.query_files, episode.readable, strict=True):
            if readable:
                name, row = next(predictions)
                writer.writerow([query_file.name, name, "ok", *(f"{p:.6f}" for p in row)])
            else:
                blanks = [""] * len(episode.class_names)
                writer.writerow([query_file.name, "", "unreadable", *blanks])


class _ContactSheet:
    """Lays out the pictures of an episode on one pair of axes whose unit is an inch."""

    def __init__(self, episode: Episode, probabilities: np.ndarray) -> None:
        self._episode = episode
        self._probabilities = probabilities
        height, width = episode.query_images.shape[1:3]
        self._image_height = _IMAGE_WIDTH * height / width
        self._row_height = self._image_height + 2.2 * _CAPTION
        self._support = [
            np.flatnonzero(episode.support_labels == label)
            for label in range(len(episode.class_names))
        ]
        self._query = [
            self._most_probable_first(label) for label in range(len(episode.class_names))
        ]
        self._query_left = _MARGIN + _num_columns(self._support, _SUPPORT_COLUMNS) * _CELL + _GUTTER

    def draw(self) -> Figure:
        columns = _num_columns(self._query, _QUERY_COLUMNS)
        width = self._query_left + columns * _CELL + _MARGIN
        heights = [self._band_height(label) for label in range(len(self._query))]
        height = 2 * _MARGIN + _HEADER + sum(heights)
        figure = Figure(figsize=(width, height), dpi=min(_DPI, _MAX_PIXELS / height))
        axes = figure.add_axes((0, 0, 1, 1))
        self._write(axes, _MARGIN, _MARGIN, "Support", size=13, weight="bold")
        self._write(
            axes, self._query_left, _MARGIN, "Query by predicted class", size=13, weight="bold"
        )
        tops = _MARGIN + _HEADER + np.cumsum([0, *heights[:-1]])
        for label, top in enumerate(tops):
            axes.plot([_MARGIN, width - _MARGIN], [top, top], color=_RULE, linewidth=1)
            self._draw_support(axes, label, top + 0.1)
            self._draw_query(axes, label, top + 0.1)
        # Last, because imshow sets the limits to the picture that it adds.
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        axes.set_axis_off()
        return figure

    def _most_probable_first(self, label: int) -> np.ndarray:
        predicted = np.flatnonzero(self._probabilities.argmax(axis=1) == label)
        order = np.argsort(-self._probabilities[predicted, label], kind="stable")
        return predicted[order]

    def _band_height(self, label: int) -> float:
        rows = max(
            _num_rows(len(self._support[label]), _SUPPORT_COLUMNS),
            _num_rows(len(self._query[label]), _QUERY_COLUMNS),
        )
        return _HEADER + rows * self._row_height + 0.1

    def _draw_support(self, axes: Axes, label: int, top: float) -> None:
        shots = self._support[label]
        name = _shortened(self._episode.class_names[label], 36)
        self._write(axes, _MARGIN, top, name, size=10, weight="bold")
        for index, left, image_top in self._cells(shots, _SUPPORT_COLUMNS, _MARGIN, top):
            self._show(axes, self._episode.support_images[index], left, image_top)

    def _draw_query(self, axes: Axes, label: int, top: float) -> None:
        predicted = self._query[label]
        files = np.array(self._episode.query_files, object)[self._episode.readable]
        self._write(axes, self._query_left, top, _describe(len(predicted)), size=9, color=_GREY)
        for index, left, image_top in self._cells(predicted, _QUERY_COLUMNS, self._query_left, top):
            self._show(axes, self._episode.query_images[index], left, image_top)
            centre = left + _IMAGE_WIDTH / 2
            probability = f"{self._probabilities[index, label]:.2f}"
            self._write(
                axes, centre, image_top - _CAPTION, probability, size=8, ha="center", weight="bold"
            )
            self._write(
                axes,
                centre,
                image_top + self._image_height + 0.03,
                _shortened(files[index].name, 20),
                size=6,
                ha="center",
                color=_GREY,
            )

    def _cells(
        self, indices: np.ndarray, columns: int, left: float, top: float
    ) -> Iterator[tuple[int, float, float]]:
        for place, index in enumerate(indices[: columns * _MAX_ROWS_PER_CLASS]):
            row, column = divmod(place, columns)
            yield index, left + column * _CELL, top + _HEADER + _CAPTION + row * self._row_height

    def _show(self, axes: Axes, image: np.ndarray, left: float, top: float) -> None:
        extent = (left, left + _IMAGE_WIDTH, top + self._image_height, top)
        axes.imshow(image, extent=extent, interpolation="nearest")

    @staticmethod
    def _write(axes: Axes, x: float, y: float, text: str, **style: object) -> None:
        # Names of files and classes may hold dollar signs, which are no formulas here.
        axes.text(x, y, text, **{"va": "top", "color": _INK, "parse_math": False, **style})


def _num_columns(groups: list[np.ndarray], most: int) -> int:
    # Fewer than three columns of pictures are narrower than the headings above them.
    return max(3, min(most, max(map(len, groups))))


def _num_rows(images: int, columns: int) -> int:
    return max(1, min(math.ceil(images / columns), _MAX_ROWS_PER_CLASS))


def _describe(predicted: int) -> str:
    shown = _QUERY_COLUMNS * _MAX_ROWS_PER_CLASS
    if predicted > shown:
        return f"{predicted} images, the {shown} most probable"
    return {0: "no image", 1: "1 image"}.get(predicted, f"{predicted} images")


def _shortened(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    head = length // 3  # Names of files and classes in a folder mostly differ at the end.
    return f"{text[:head]}…{text[head + 1 - length :]}"
