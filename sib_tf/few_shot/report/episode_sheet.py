"""The picture of a test episode: its images by class, and how the queries were classified."""

import math
from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from sib_tf.few_shot.report.shown_episode import ShownEpisode
from sib_tf.report import wording
from sib_tf.report.lettering import lettered
from sib_tf.report.picture import Picture
from sib_tf.report.pixel_canvas import PixelCanvas
from sib_tf.report.style import BLUE, GREY, RULE, VERMILLION


def draw(episode: ShownEpisode) -> Picture:
    """The images with marks for right and wrong predictions, before and after the steps."""
    last = episode.num_steps
    outcome = _outcome(episode)
    marks = "at K = 0" if last == 0 else f"at K = 0 (left) and at K = {last} (right)"
    classes = ", ".join(
        f"{n} {wording.class_name(c)}" for n, c in enumerate(episode.class_names, 1)
    )
    return Picture(
        "One test episode",
        f"{outcome} Queries stand in the row of their true class, those that change first, in a "
        f"frame. The marks below each are its prediction {marks}: a tick, or the number of the "
        "wrong class it is taken for.",
        f"The images of an episode by class. {outcome} Classes: {classes}.",
        _Sheet(episode).draw(),
    )


def _outcome(episode: ShownEpisode) -> str:
    before, after = episode.is_right(0), episode.is_right(episode.num_steps)
    at_first = f"{before.sum()} of {len(before)} queries are right at K = 0"
    if episode.num_steps == 0:
        return f"{at_first}."
    return (
        f"{at_first} and {after.sum()} at K = {episode.num_steps} "
        f"(newly right: {(after & ~before).sum()}, newly wrong: {(before & ~after).sum()})."
    )


class _Sheet:
    """The images of an episode: a block for each class, its support left, its queries right."""

    # What all thumbnails may take together, in pixels, so that the PNG stays below 150 KB.
    BUDGET = 150_000
    SUPPORT_COLUMNS, QUERY_COLUMNS = 5, 15
    MARGIN, NAME_WIDTH, SUPPORT_WIDTH, HEADER, KEY, GAP = 8, 172, 76, 44, 40, 8  # pixels
    MIN_WIDTH = 900  # of the sheet: the key has to fit

    def __init__(self, episode: ShownEpisode) -> None:
        self._episode = episode
        self._steps = sorted({0, episode.num_steps})
        self._predictions = episode.probabilities.argmax(axis=-1)

        images = len(episode.support_images) + len(episode.query_images)
        self._size = int(np.clip(math.sqrt(self.BUDGET / images), 16, 48))
        self._mark = max(11, self._size // 3)

        classes = range(len(episode.class_names))
        self._support = [np.flatnonzero(episode.support_labels == n) for n in classes]
        self._queries = [self._changed_first(n) for n in classes]
        pitch = self._size + self.GAP
        self._support_x = self.MARGIN + self.NAME_WIDTH
        columns = min(self.SUPPORT_COLUMNS, max(map(len, self._support)))
        self._query_x = self._support_x + max(self.SUPPORT_WIDTH, columns * pitch) + 2 * self.GAP
        columns = min(self.QUERY_COLUMNS, max(map(len, self._queries)))
        self._width = max(self.MIN_WIDTH, self._query_x + columns * pitch)
        self._tops = np.cumsum([self.HEADER, *map(self._block_height, classes)]).tolist()
        self._canvas = PixelCanvas(self._width, self._tops[-1] + self.KEY)

    def draw(self) -> Figure:
        for x, heading in (
            (self.MARGIN, "class"),
            (self._support_x, "support"),
            (self._query_x, "queries"),
        ):
            self._canvas.text(x, self.HEADER - 20, heading, 15, fontweight="bold")
        for n, top in enumerate(self._tops[:-1]):
            self._draw_block(n, top)
        self._draw_key(self._tops[-1])
        return self._canvas.figure

    def _changed_first(self, n: int) -> np.ndarray:
        """The queries of class n: become right, become wrong, stay wrong, stay right."""
        episode = self._episode
        queries = np.flatnonzero(episode.query_labels == n)
        before, after = (episode.is_right(k)[queries] for k in (0, episode.num_steps))
        rank = np.select([after & ~before, before & ~after, ~after], [0, 1, 2], 3)
        return queries[np.argsort(rank, kind="stable")]

    def _block_height(self, n: int) -> int:
        lines = max(
            1,  # for the name of the class
            math.ceil(len(self._support[n]) / self.SUPPORT_COLUMNS),
            math.ceil(len(self._queries[n]) / self.QUERY_COLUMNS),
        )
        return lines * self._line_height + 2 * self.GAP

    @property
    def _line_height(self) -> int:
        return self._size + self._mark + 2 * self.GAP

    def _places(self, x: int, y: int, columns: int, count: int) -> Iterable[tuple[int, int]]:
        """The top left corners of `count` thumbnails, line by line."""
        for i in range(count):
            line, column = divmod(i, columns)
            yield x + column * (self._size + self.GAP), y + line * self._line_height

    def _draw_block(self, n: int, top: int) -> None:
        self._canvas.box(0, top - self.GAP, self._width, 1, facecolor=RULE)
        baseline = top + 20
        self._canvas.text(self.MARGIN, baseline, str(n + 1), 15, fontweight="bold")
        # The number of the class stands before its name.
        name, font = lettered(wording.class_name(self._episode.class_names[n]), instead="")
        for i, line in enumerate(wording.two_lines(name, 16)):
            self._canvas.text(self.MARGIN + 22, baseline + 20 * i, line, 15, **font)

        support, queries = self._support[n], self._queries[n]
        places = self._places(self._support_x, top + 4, self.SUPPORT_COLUMNS, len(support))
        for i, (x, y) in zip(support, places, strict=True):
            self._canvas.image(x, y, self._thumbnail(self._episode.support_images[i]))
        if not len(queries):
            self._canvas.text(self._query_x, baseline, "none", 15, color=GREY)
        places = self._places(self._query_x, top + 4, self.QUERY_COLUMNS, len(queries))
        for i, (x, y) in zip(queries, places, strict=True):
            self._draw_query(i, x, y)

    def _thumbnail(self, image: np.ndarray) -> np.ndarray:
        resized = Image.fromarray(image).resize((self._size, self._size), Image.Resampling.BICUBIC)
        return np.asarray(resized)

    def _draw_query(self, i: int, x: int, y: int) -> None:
        right = [bool(self._episode.is_right(k)[i]) for k in self._steps]
        if right[0] != right[-1]:
            self._draw_frame(x, y, became_right=right[-1])
        self._canvas.image(x, y, self._thumbnail(self._episode.query_images[i]))
        width = self._size / len(self._steps)
        for j, k in enumerate(self._steps):
            wrong_class = None if right[j] else int(self._predictions[k, i]) + 1
            self._draw_mark(x + j * width, y + self._size + 3, width, wrong_class)

    def _draw_frame(self, x: int, y: int, became_right: bool) -> None:
        edge = 3
        self._canvas.box(
            x - edge,
            y - edge,
            self._size + 2 * edge,
            self._size + self._mark + 3 + 2 * edge,
            facecolor=BLUE if became_right else VERMILLION,
        )

    def _draw_mark(self, x: float, y: float, width: float, wrong_class: int | None) -> None:
        """A tick, or the number of the class that was wrongly predicted."""
        is_right = wrong_class is None
        self._canvas.box(
            x + 0.5,
            y,
            width - 1,
            self._mark,
            facecolor="#E3EFF7" if is_right else "#FBE3D3",
        )
        self._canvas.text(
            x + width / 2,
            y + self._mark / 2,
            "✓" if is_right else str(wrong_class),
            self._mark - 2,
            color=BLUE if is_right else "#A34700",
            fontweight="normal" if is_right else "bold",
            horizontalalignment="center",
            verticalalignment="center_baseline",
        )

    def _draw_key(self, top: int) -> None:
        self._canvas.box(0, top - self.GAP, self._width, 1, facecolor=RULE)
        y = top + 8
        x = self._support_x
        for words, width, wrong_class in (("right", 90, None), ("taken for class 2", 170, 2)):
            self._draw_mark(x, y, 24, wrong_class)
            self._explain(x, y, words)
            x += width
        if len(self._steps) > 1:
            for words, colour in (("becomes right", BLUE), ("becomes wrong", VERMILLION)):
                self._canvas.box(
                    x, y, 24, self._mark, facecolor="none", edgecolor=colour, linewidth=2
                )
                self._explain(x, y, words)
                x += 150
            self._explain(x, y, f"(left K = 0, right K = {self._steps[-1]})")

    def _explain(self, x: float, y: float, words: str) -> None:
        self._canvas.text(x + 32, y + self._mark / 2, words, 14, verticalalignment="center")
