"""The contact sheet of a prediction: the support images, and the query images by class."""

import math
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sib_tf.base.file_names import legible
from sib_tf.report import wording
from sib_tf.report.lettering import lettered
from sib_tf.report.style import GREY, INK, RULE
from sib_tf.serving.predict.image_task import ImageTask

# In inches.
_MARGIN, _GUTTER, _HEADER = 0.3, 0.35, 0.3
_CELL, _IMAGE_WIDTH, _CAPTION = 1.0, 0.92, 0.17
_MIN_SUPPORT_WIDTH, _MIN_QUERY_WIDTH = 1.6, 3.0  # for the name of a class and for the heading
_BOLD_LETTER = 0.1  # mean width in the name of a class
_SUPPORT_COLUMNS, _QUERY_COLUMNS = 5, 10
_MAX_ROWS_PER_CLASS = 10
_DPI, _MAX_PIXELS = 120, 60_000  # matplotlib refuses pictures higher than 65,535 pixels


def draw_contact_sheet(task: ImageTask, probabilities: np.ndarray) -> Figure:
    """Draws the support images by class and the query images by predicted class.

    Args:
        task: task that was classified.
        probabilities: class probabilities of the readable query images, float32 [Q, N].

    Returns:
        One band per class: its support on the left; on the right the query images predicted to be
        of the class, the most probable first, titled with that probability.
    """
    return _ContactSheet(task, probabilities).draw()


class _ContactSheet:
    """Lays out the pictures of a task on one pair of axes whose unit is an inch."""

    def __init__(self, task: ImageTask, probabilities: np.ndarray) -> None:
        self._task = task
        self._probabilities = probabilities
        height, width = task.query_images.shape[1:3]
        self._image_height = _IMAGE_WIDTH * height / width
        self._row_height = self._image_height + 2.2 * _CAPTION
        self._support = [
            np.flatnonzero(task.support_labels == label) for label in range(len(task.class_names))
        ]
        self._query = [self._most_probable_first(label) for label in range(len(task.class_names))]
        columns = _num_columns(self._support, _SUPPORT_COLUMNS)
        self._support_width = max(_MIN_SUPPORT_WIDTH, columns * _CELL)
        self._query_left = _MARGIN + self._support_width + _GUTTER

    def draw(self) -> Figure:
        query_width = _num_columns(self._query, _QUERY_COLUMNS) * _CELL
        width = self._query_left + max(_MIN_QUERY_WIDTH, query_width) + _MARGIN
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
            axes.plot([_MARGIN, width - _MARGIN], [top, top], color=RULE, linewidth=1)
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
        letters = int(self._support_width / _BOLD_LETTER)
        name, font = lettered(
            wording.class_name(self._task.class_names[label]), instead=f"class {label + 1}"
        )
        lines = "\n".join(wording.two_lines(_shortened(name, 2 * letters), letters))
        self._write(axes, _MARGIN, top, lines, **{"size": 10, "weight": "bold", **font})
        for index, left, image_top in self._cells(shots, _SUPPORT_COLUMNS, _MARGIN, top):
            self._show(axes, self._task.support_images[index], left, image_top)

    def _draw_query(self, axes: Axes, label: int, top: float) -> None:
        predicted = self._query[label]
        places = np.flatnonzero(self._task.readable)  # among all files
        self._write(axes, self._query_left, top, _describe(len(predicted)), size=9, color=GREY)
        for index, left, image_top in self._cells(predicted, _QUERY_COLUMNS, self._query_left, top):
            self._show(axes, self._task.query_images[index], left, image_top)
            file = self._task.query_files[places[index]]
            name, font = lettered(legible(file.name), instead=f"file {places[index] + 1}")
            centre = left + _IMAGE_WIDTH / 2
            probability = f"{self._probabilities[index, label]:.2f}"
            self._write(
                axes, centre, image_top - _CAPTION, probability, size=9, ha="center", weight="bold"
            )
            self._write(
                axes,
                centre,
                image_top + self._image_height + 0.03,
                _shortened(name, 14),
                size=8,
                ha="center",
                color=GREY,
                **font,
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
        axes.text(x, y, text, **{"va": "top", "color": INK, "parse_math": False, **style})


def _num_columns(groups: list[np.ndarray], most: int) -> int:
    return min(most, max(map(len, groups)))


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
