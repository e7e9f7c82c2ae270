"""An evaluation as a page for people: `report.html` and the pictures in it.

The page is one file without scripts or links: it can be mailed, printed and archived. The same
input gives the same bytes. Nothing here uses TensorFlow.
"""

import base64
import dataclasses
import html
import io
import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter
from PIL import Image

Row = Mapping[str, Any]  # one entry of the report's "results"
Curves = Mapping[str, Mapping[str, Sequence[float | None]]]

# Okabe and Ito's palette: told apart by colour-blind readers, too. Blue is always the good side.
_BLUE, _VERMILLION, _ORANGE, _GREEN = "#0072B2", "#D55E00", "#E69F00", "#009E73"
_INK, _GREY, _RULE = "#222222", "#767676", "#DDDDDD"


class _Look(NamedTuple):
    """How results on queries of some class shares are named and drawn."""

    words: str
    colour: str
    marker: str


_LOOKS = {
    "balanced": _Look("balanced queries", _BLUE, "o"),
    "dirichlet": _Look("Dirichlet queries", _ORANGE, "s"),
    "mixture": _Look("mixed queries", _GREEN, "^"),
}


def _look(query_shares: str) -> _Look:
    return _LOOKS.get(query_shares, _Look(f"{query_shares} queries", _INK, "D"))


_CHART_DPI = 160
_CSS_PIXELS_PER_INCH = 100  # pictures hold more pixels than the page asks for: sharp when zoomed

_STYLE = {
    "figure.dpi": _CHART_DPI,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "font.size": 9.5,
    "text.color": _INK,
    "text.parse_math": False,  # a class may be called "$"
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.7,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Episode:
    """One test episode with what was predicted in it, for the pictures.

    Attributes:
        class_names: the N classes.
        support_images: uint8 [S, H, W, 3].
        support_labels: int [S], 0..N-1.
        query_images: uint8 [Q, H, W, 3].
        query_labels: int [Q], 0..N-1.
        probabilities: float [K + 1, Q, N], the predictions after 0..K synthetic-gradient steps.

    Raises:
        ValueError: an array has another shape, or images are not uint8.
    """

    class_names: Sequence[str]
    support_images: np.ndarray
    support_labels: np.ndarray
    query_images: np.ndarray
    query_labels: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        for part in ("support", "query"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
                raise ValueError(
                    f"{part}_images must be uint8 [n, H, W, 3], "
                    f"got {images.dtype} {list(images.shape)}."
                )
            if labels.shape != images.shape[:1]:
                raise ValueError(
                    f"{part}_labels must have the shape {list(images.shape[:1])}, "
                    f"one for each image, got {list(labels.shape)}."
                )
        expected = (len(self.query_labels), len(self.class_names))
        if self.probabilities.ndim != 3 or self.probabilities.shape[1:] != expected:
            raise ValueError(
                f"probabilities must have the shape [K + 1, {expected[0]}, {expected[1]}], "
                f"got {list(self.probabilities.shape)}."
            )

    @property
    def num_steps(self) -> int:
        """K."""
        return len(self.probabilities) - 1

    def is_right(self, step: int) -> np.ndarray:
        """Which queries are classified correctly after `step` steps, bool [Q]."""
        return self.probabilities[step].argmax(axis=-1) == self.query_labels


def write(path: Path, report: Mapping[str, Any], curves: Curves, episode: Episode) -> None:
    """Writes the page, and its pictures as PNG files into `pictures/` beside it.

    Args:
        path: the HTML file. Folders are made as needed; existing files are replaced.
        report: the content of `report.json`: `dataset`, `backbone`, `split`, `episodes`, `seed`
            and the rows of `results`.
        curves: for each phase of training its metrics over the epochs. A metric `val_x` is the
            validation side of `x`; `epoch`, if there, numbers the epochs. Sequences of a phase are
            of equal length; None and NaN are gaps. Phases may be missing.
        episode: the episode to draw.

    Raises:
        ValueError: the report has no results.
    """
    rows = report["results"]
    if not rows:
        raise ValueError("The report has no results: there is nothing to draw.")

    folder = path.parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    # The "default" undoes the user's matplotlibrc, which would change the bytes.
    with style.context(["default", _STYLE]):
        for name, picture in _draw(rows, curves, episode).items():
            file = folder / f"{name}.png"
            if picture is None:
                file.unlink(missing_ok=True)  # an earlier run's would pass for this one's
                continue
            png = _png(picture.figure)
            file.write_bytes(png)
            figures.append(_figure_html(picture, png))
    path.write_text(_page(report, figures), encoding="utf-8")


# --- What is compared -----------------------------------------------------------------------------


class _Task(NamedTuple):
    """The size of the episodes."""

    way: int
    shot: int
    query: int

    def __str__(self) -> str:
        return f"{self.way}-way {self.shot}-shot, {self.query} queries"


class _Setting(NamedTuple):
    """What was asked: results in the same setting can be compared."""

    task: _Task
    query_shares: str

    @classmethod
    def of(cls, row: Row) -> "_Setting":
        return cls(_Task(row["way"], row["shot"], row["query"]), row["query_shares"])

    def sort_key(self) -> tuple:
        return (self.task, [*_LOOKS, self.query_shares].index(self.query_shares), self.query_shares)


class _Variant(NamedTuple):
    """Which trained model answered."""

    synthetic_gradient: str
    train_query_shares: str

    @classmethod
    def of(cls, row: Row) -> "_Variant":
        return cls(row["synthetic_gradient"], row["train_query_shares"])

    def __str__(self) -> str:
        return f"{self.synthetic_gradient} xi, trained on {_look(self.train_query_shares).words}"


class _Comparison(NamedTuple):
    """One trained model in one setting, at its fewest and at its most steps."""

    setting: _Setting
    variant: _Variant
    before: Row
    after: Row


def _by_setting(rows: Iterable[Row]) -> dict[_Setting, list[Row]]:
    groups: dict[_Setting, list[Row]] = {}
    for row in rows:
        groups.setdefault(_Setting.of(row), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: item[0].sort_key()))


def _by_variant(rows: Iterable[Row]) -> dict[_Variant, list[Row]]:
    """The rows of the trained models, each model's by rising K; prototypes are left out."""
    groups: dict[_Variant, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["num_steps"]):
        if row["method"] != "prototypes":
            groups.setdefault(_Variant.of(row), []).append(row)
    return groups


def _prototypes(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["method"] == "prototypes"]


def _comparisons(rows: Iterable[Row]) -> list[_Comparison]:
    """Every trained model in every setting; the prototypes stand in for a missing K = 0."""
    return [
        _Comparison(
            setting,
            variant,
            # Of equal K the first is taken, so the model's own K = 0 goes before the prototypes.
            before=min([*same_model, *_prototypes(group)], key=lambda row: row["num_steps"]),
            after=same_model[-1],
        )
        for setting, group in _by_setting(rows).items()
        for variant, same_model in _by_variant(group).items()
    ]


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def _signed_percent(gain: float) -> str:
    return f"{100 * gain:+z.1f}".replace("-", "−")


# --- Names ----------------------------------------------------------------------------------------


def _display_name(name: str) -> str:
    """`U+0041_LATIN_CAPITAL_LETTER_A` to "Latin capital A", `aquarium_fish` to "aquarium fish"."""
    glyph = re.fullmatch(r"U\+[0-9A-Fa-f]{4,6}_(.+)", name)
    if not glyph:
        return name.replace("_", " ")
    script, *words = glyph[1].split("_")
    letter_case = str.upper if "CAPITAL" in words else str.lower
    rest = [letter_case(w) if len(w) == 1 else w.lower() for w in words if w != "LETTER"]
    return " ".join([script.capitalize(), *rest])


def _method(row: Row) -> str:
    if row["method"] == "prototypes":
        return "prototypes, K = 0"
    return f"{row['method'].upper()}, {row['synthetic_gradient']} xi, K = {row['num_steps']}"


def _two_lines(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, max_lines=2, placeholder="…")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


# --- Pictures -------------------------------------------------------------------------------------


class _Picture(NamedTuple):
    """A figure with its words: the caption says how to read it, the alternative what it shows."""

    title: str
    caption: str
    alternative: str
    figure: Figure


def _draw(rows: Sequence[Row], curves: Curves, episode: Episode) -> dict[str, _Picture | None]:
    """All pictures by file name; None where there is nothing to draw."""
    return {
        "accuracy_vs_steps": _accuracy_vs_steps(rows),
        "training_curves": _training_curves(curves),
        "reliability": _reliability(rows),
        "episode": _episode(episode),
        "probabilities": _probabilities(episode),
    }


def _png(figure: Figure) -> bytes:
    """Encodes a figure as a PNG with a palette: a third of the size, no visible loss, no date."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    stream = io.BytesIO()
    picture.quantize(256).save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def _panels(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` equal panels, `columns` in a row; sizes in inches."""
    columns = min(columns, count)
    lines = math.ceil(count / columns)
    figure = Figure(figsize=(width, height * lines), layout="constrained")
    return figure, [figure.add_subplot(lines, columns, i + 1) for i in range(count)]


_BASELINE = {"linestyle": "--", "linewidth": 1.2}


def _accuracy_vs_steps(rows: Sequence[Row]) -> _Picture:
    groups = _by_setting(rows)
    tasks = list(dict.fromkeys(setting.task for setting in groups))
    figure, panels = _panels(len(tasks), columns=2, width=8, height=3.9)
    lines = _accuracy_lines(rows)
    for axes, task in zip(panels, tasks, strict=True):
        _draw_accuracy_lines(axes, [line for line in lines if line.setting.task == task])
        for setting, group in groups.items():
            for row in _prototypes(group) if setting.task == task else ():
                colour = _look(setting.query_shares).colour
                axes.axhline(100 * row["accuracy"], color=colour, **_BASELINE)
        axes.set_title(str(task))
    handles = {line.label: Line2D([], [], label=line.label, **line.look) for line in lines}
    columns = 4 if len(_by_variant(rows)) < 2 else 1  # the labels of several models are long
    baseline = Line2D([], [], color=_GREY, label="prototypes", **_BASELINE)
    figure.legend(handles=[*handles.values(), baseline], loc="outside upper left", ncols=columns)
    described = [
        f"{setting.task}, {_look(setting.query_shares).words}, {_method(row)}: "
        f"{_percent(row['accuracy'])} %"
        for setting, group in groups.items()
        for row in group
    ]
    return _Picture(
        "Accuracy against the number of steps",
        "Each line shows how accuracy changes with the number K of synthetic-gradient steps, for "
        "one mix of classes among the queries. Bars are 95 % intervals over the episodes; the "
        "dashed line of the same colour is the inductive baseline, plain cosine prototypes.",
        "Line chart. " + "; ".join(described) + ".",
        figure,
    )


class _AccuracyLine(NamedTuple):
    """One trained model in one setting, its rows by rising K."""

    setting: _Setting
    label: str
    look: Mapping[str, Any]
    rows: Sequence[Row]


def _accuracy_lines(rows: Sequence[Row]) -> list[_AccuracyLine]:
    """Lines that differ in colour and marker by the queries, in their dashes by the model."""
    variants = list(_by_variant(rows))
    lines = []
    for setting, group in _by_setting(rows).items():
        words, colour, marker = _look(setting.query_shares)
        for variant, same_model in _by_variant(group).items():
            dashes = ("-", ":", "-.")[variants.index(variant) % 3]
            label = f"{words}; {variant}" if len(variants) > 1 else words
            look = {"color": colour, "marker": marker, "linestyle": dashes}
            lines.append(_AccuracyLine(setting, label, look, same_model))
    return lines


def _draw_accuracy_lines(axes: Axes, lines: Sequence[_AccuracyLine]) -> None:
    steps = sorted({row["num_steps"] for line in lines for row in line.rows}) or [0]
    for i, line in enumerate(lines):
        # Shifted a little sideways, or the bars of lines that meet would hide each other.
        shift = 0.05 * (i - (len(lines) - 1) / 2)
        axes.errorbar(
            [row["num_steps"] + shift for row in line.rows],
            [100 * row["accuracy"] for row in line.rows],
            yerr=[100 * row["ci95"] for row in line.rows],
            capsize=3,
            elinewidth=1.2,
            **line.look,
        )
    axes.set(xlabel="K, synthetic-gradient steps", ylabel="accuracy, %")
    axes.margins(y=0.12)
    axes.grid(axis="x", visible=False)
    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.set_xlim(steps[0] - 0.4, steps[-1] + 0.4)


def _training_curves(curves: Curves) -> _Picture | None:
    charts = [(phase, metric) for phase in curves for metric in _training_metrics(curves[phase])]
    if not charts:
        return None
    figure, panels = _panels(len(charts), columns=2, width=8, height=2.3)
    for axes, (phase, metric) in zip(panels, charts, strict=True):
        history = curves[phase]
        for name, colour, label in (
            (metric, _BLUE, "training"),
            (f"val_{metric}", _ORANGE, "validation"),
        ):
            if name in history:
                values = np.asarray(history[name], dtype=float)  # None becomes NaN
                epochs = history.get("epoch", range(1, len(values) + 1))
                marker = "o" if len(values) == 1 else None
                axes.plot(epochs, values, color=colour, marker=marker, label=label)
        axes.set_title(f"{phase}: {metric.replace('_', ' ')}")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=(1, 2, 5, 10)))
    figure.legend(
        handles=[
            Line2D([], [], color=_BLUE, label="training"),
            Line2D([], [], color=_ORANGE, label="validation"),
        ],
        loc="outside upper left",
        ncols=2,
    )
    return _Picture(
        "Training",
        "Every panel is one quantity over the epochs of one phase of training. Where the "
        "validation line leaves the training line for the worse, the model overfits.",
        "Line charts over the epochs: "
        + ", ".join(f"{metric} of {phase}" for phase, metric in charts)
        + ".",
        figure,
    )


def _training_metrics(history: Mapping[str, Sequence[float | None]]) -> list[str]:
    """The names of the metrics without `val_`, in the order they come."""
    names = (name.removeprefix("val_") for name in history if name != "epoch")
    return list(dict.fromkeys(names))


def _reliability(rows: Sequence[Row]) -> _Picture:
    drawn = _reliability_rows(rows)
    figure = Figure(figsize=(6, 5.6), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1))
    diagram = figure.add_subplot(grid[0])
    histogram = figure.add_subplot(grid[1], sharex=diagram)

    diagram.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1.2, label="calibrated")
    for i, (row, colour) in enumerate(zip(drawn, (_ORANGE, _BLUE), strict=False)):
        bins = row["reliability"]
        counts = np.asarray(bins["count"], dtype=float)
        filled = counts > 0
        share = counts / max(counts.sum(), 1)
        confidence = np.asarray(bins["confidence"], dtype=float)[filled]
        accuracy = np.asarray(bins["accuracy"], dtype=float)[filled]
        label = f"{_method(row)}, ECE {row['ece']:.3f}"
        diagram.plot(confidence, accuracy, color=colour, marker="os"[i], label=label)
        width = 1 / len(counts)
        left = np.arange(len(counts)) * width + width * (0.1 + 0.8 * i / len(drawn))
        histogram.bar(left, share, width=0.8 * width / len(drawn), align="edge", color=colour)

    diagram.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    diagram.tick_params(labelbottom=False)
    queries = _look(drawn[0]["query_shares"]).words
    diagram.set_title(_capital(queries))
    diagram.legend(loc="upper left")
    histogram.set(xlabel="confidence (probability of the predicted class)", ylabel="queries")
    for axis in (diagram.xaxis, diagram.yaxis, histogram.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    histogram.yaxis.set_major_locator(MaxNLocator(3))
    return _Picture(
        "Reliability",
        "Queries are sorted into bins by the confidence of their prediction. On the dashed line "
        "confidence is accuracy; below it the model is overconfident, above it too modest. ECE, "
        "the expected calibration error, is the mean distance from that line, weighted by the "
        "share of the queries in each bin (the lower chart).",
        f"Reliability diagram for {queries}. Expected calibration error: "
        + ", ".join(f"{_method(row)}: {row['ece']:.3f}" for row in drawn)
        + ".",
        figure,
    )


def _reliability_rows(rows: Sequence[Row]) -> list[Row]:
    """Fewest and most steps of the first model in the first setting; one row if they coincide."""
    comparisons = _comparisons(rows)
    if not comparisons:
        return next(iter(_by_setting(rows).values()))[:1]
    first = comparisons[0]
    return [first.after] if first.before is first.after else [first.before, first.after]


# --- The episode ----------------------------------------------------------------------------------


class _Sheet:
    """A figure drawn in pixels from its top left corner, on which images are not resampled."""

    DPI = 128  # a power of two: pixels / DPI * DPI is exact, or the figure might lose a pixel

    def __init__(self, width: int, height: int) -> None:
        self.figure = Figure(figsize=(width / self.DPI, height / self.DPI), dpi=self.DPI)
        self._height = height
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        self._axes.set_axis_off()

    def image(self, x: float, y: float, image: np.ndarray) -> None:
        self.figure.figimage(image, x, self._height - y - len(image), origin="upper")

    def box(self, x: float, y: float, width: float, height: float, **look: Any) -> None:
        self._axes.add_patch(Rectangle((x, y), width, height, **look))

    def text(self, x: float, y: float, text: str, pixels: float, **look: Any) -> None:
        self._axes.text(x, y, text, fontsize=pixels * 72 / self.DPI, **look)


def _episode(episode: Episode) -> _Picture:
    last = episode.num_steps
    outcome = _outcome(episode)
    marks = "at K = 0" if last == 0 else f"at K = 0 (left) and at K = {last} (right)"
    names = ", ".join(f"{n} {_display_name(c)}" for n, c in enumerate(episode.class_names, 1))
    return _Picture(
        "One test episode",
        f"{outcome} Queries stand in the row of their true class, those that change first, in a "
        f"frame. The marks below each are its prediction {marks}: a tick, or the number of the "
        "wrong class it is taken for.",
        f"The images of an episode by class. {outcome} Classes: {names}.",
        _EpisodeDrawing(episode).draw(),
    )


def _outcome(episode: Episode) -> str:
    before, after = episode.is_right(0), episode.is_right(episode.num_steps)
    at_first = f"{before.sum()} of {len(before)} queries are right at K = 0"
    if episode.num_steps == 0:
        return f"{at_first}."
    return (
        f"{at_first} and {after.sum()} at K = {episode.num_steps} "
        f"(newly right: {(after & ~before).sum()}, newly wrong: {(before & ~after).sum()})."
    )


class _EpisodeDrawing:
    """The images of an episode: a block for each class, its support left, its queries right."""

    # What all thumbnails may take together, in pixels, so that the PNG stays below 150 KB.
    BUDGET = 150_000
    SUPPORT_COLUMNS, QUERY_COLUMNS = 5, 15
    MARGIN, NAME_WIDTH, SUPPORT_WIDTH, HEADER, KEY, GAP = 8, 172, 76, 44, 40, 8  # pixels
    MIN_WIDTH = 900  # of the sheet: the key has to fit

    def __init__(self, episode: Episode) -> None:
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

    def draw(self) -> Figure:
        tops = np.cumsum([self.HEADER, *map(self._block_height, range(len(self._support)))])
        sheet = _Sheet(self._width, int(tops[-1]) + self.KEY)
        for x, heading in (
            (self.MARGIN, "class"),
            (self._support_x, "support"),
            (self._query_x, "queries"),
        ):
            sheet.text(x, self.HEADER - 20, heading, 15, fontweight="bold")
        for n, top in enumerate(tops[:-1].tolist()):
            self._draw_block(sheet, n, top)
        self._draw_key(sheet, int(tops[-1]))
        return sheet.figure

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

    def _draw_block(self, sheet: _Sheet, n: int, top: int) -> None:
        sheet.box(0, top - self.GAP, self._width, 1, facecolor=_RULE)
        baseline = top + 20
        sheet.text(self.MARGIN, baseline, str(n + 1), 15, fontweight="bold")
        name = _display_name(self._episode.class_names[n])
        for i, line in enumerate(_two_lines(name, 16)):
            sheet.text(self.MARGIN + 22, baseline + 20 * i, line, 15)

        support, queries = self._support[n], self._queries[n]
        places = self._places(self._support_x, top + 4, self.SUPPORT_COLUMNS, len(support))
        for i, (x, y) in zip(support, places, strict=True):
            sheet.image(x, y, self._thumbnail(self._episode.support_images[i]))
        if not len(queries):
            sheet.text(self._query_x, baseline, "none", 15, color=_GREY)
        places = self._places(self._query_x, top + 4, self.QUERY_COLUMNS, len(queries))
        for i, (x, y) in zip(queries, places, strict=True):
            self._draw_query(sheet, i, x, y)

    def _thumbnail(self, image: np.ndarray) -> np.ndarray:
        resized = Image.fromarray(image).resize((self._size, self._size), Image.Resampling.BICUBIC)
        return np.asarray(resized)

    def _draw_query(self, sheet: _Sheet, i: int, x: int, y: int) -> None:
        right = [bool(self._episode.is_right(k)[i]) for k in self._steps]
        if right[0] != right[-1]:
            self._draw_frame(sheet, x, y, became_right=right[-1])
        sheet.image(x, y, self._thumbnail(self._episode.query_images[i]))
        width = self._size / len(self._steps)
        for j, k in enumerate(self._steps):
            wrong_class = None if right[j] else int(self._predictions[k, i]) + 1
            self._draw_mark(sheet, x + j * width, y + self._size + 3, width, wrong_class)

    def _draw_frame(self, sheet: _Sheet, x: int, y: int, became_right: bool) -> None:
        edge = 3
        sheet.box(
            x - edge,
            y - edge,
            self._size + 2 * edge,
            self._size + self._mark + 3 + 2 * edge,
            facecolor=_BLUE if became_right else _VERMILLION,
        )

    def _draw_mark(
        self, sheet: _Sheet, x: float, y: float, width: float, wrong_class: int | None
    ) -> None:
        """A tick, or the number of the class that was wrongly predicted."""
        is_right = wrong_class is None
        sheet.box(
            x + 0.5,
            y,
            width - 1,
            self._mark,
            facecolor="#E3EFF7" if is_right else "#FBE3D3",
        )
        sheet.text(
            x + width / 2,
            y + self._mark / 2,
            "✓" if is_right else str(wrong_class),
            self._mark - 2,
            color=_BLUE if is_right else "#A34700",
            fontweight="normal" if is_right else "bold",
            horizontalalignment="center",
            verticalalignment="center_baseline",
        )

    def _draw_key(self, sheet: _Sheet, top: int) -> None:
        sheet.box(0, top - self.GAP, self._width, 1, facecolor=_RULE)
        y = top + 8
        x = self._support_x
        for words, width, wrong_class in (("right", 90, None), ("taken for class 2", 170, 2)):
            self._draw_mark(sheet, x, y, 24, wrong_class)
            self._explain(sheet, x, y, words)
            x += width
        if len(self._steps) > 1:
            for words, colour in (("becomes right", _BLUE), ("becomes wrong", _VERMILLION)):
                sheet.box(x, y, 24, self._mark, facecolor="none", edgecolor=colour, linewidth=2)
                self._explain(sheet, x, y, words)
                x += 150
            self._explain(sheet, x, y, f"(left K = 0, right K = {self._steps[-1]})")

    def _explain(self, sheet: _Sheet, x: float, y: float, words: str) -> None:
        sheet.text(x + 32, y + self._mark / 2, words, 14, verticalalignment="center")


def _probabilities(episode: Episode) -> _Picture:
    last = episode.num_steps
    steps = np.arange(last + 1)
    queries = np.arange(len(episode.query_labels))
    of_truth = episode.probabilities[:, queries, episode.query_labels]  # [K + 1, Q]
    before, after = episode.is_right(0), episode.is_right(last)
    # In the order of drawing: the changed ones come on top of the many that do not change.
    kinds = (
        ("unchanged", before == after, "#A8A8A8", 0.9),
        ("becomes wrong", before & ~after, _VERMILLION, 1.5),
        ("becomes right", after & ~before, _BLUE, 1.5),
    )
    marker = "o" if last == 0 else None
    figure, panels = _panels(len(episode.class_names), columns=5, width=9, height=2.6)
    for n, (axes, name) in enumerate(zip(panels, episode.class_names, strict=True)):
        of_class = episode.query_labels == n
        for _, members, colour, width in kinds:
            chosen = of_truth[:, members & of_class]
            axes.plot(steps, chosen, color=colour, linewidth=width, marker=marker, markersize=4)
        if of_class.any():
            mean = of_truth[:, of_class].mean(axis=1)
            axes.plot(steps, mean, color=_INK, linewidth=2.4, marker=marker)
        else:
            axes.text(0.5, 0.5, "no queries", color=_GREY, ha="center", transform=axes.transAxes)
        axes.set_title("\n".join(_two_lines(f"{n + 1} {_display_name(name)}", 18)))
        axes.set(xlim=(-0.15, last + 0.15), ylim=(-0.02, 1.02), xlabel="K")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        if n % 5:
            axes.tick_params(labelleft=False)
    handles = [
        Line2D([], [], color=colour, linewidth=width, label=label)
        for label, members, colour, width in kinds
        if members.any()
    ]
    handles.append(Line2D([], [], color=_INK, linewidth=2.4, label="mean of the class"))
    figure.legend(handles=handles[::-1], loc="outside upper left", ncols=4)
    return _Picture(
        "Probability of the true class",
        "A panel for each class of the episode above, a line for each of its queries: the "
        "probability that the model gives to the true class after K synthetic-gradient steps.",
        "Line charts, one for each class. The mean probability of the true class goes from "
        f"{_percent(of_truth[0].mean())} % at K = 0 to {_percent(of_truth[-1].mean())} % at "
        f"K = {last}.",
        figure,
    )


# --- The page -------------------------------------------------------------------------------------

_CSS = """
:root { color-scheme: light dark; --ink: #1d2125; --soft: #5b646d; --rule: #dfe3e7;
  --paper: #ffffff; --band: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --soft: #a3adb6; --rule: #3a4147; --paper: #16191c; --band: #21262a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 3rem 1.5rem 5rem; max-width: 62rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0 0 .75rem; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 3.5rem 0 1rem; font-size: 1.25rem; }
.summary { margin: 0; max-width: 46rem; font-size: 1.125rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1.75rem 0 0; }
dt { color: var(--soft); font-size: .8125rem; }
dd { margin: 0; }
.table { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .75rem; color: var(--soft); font-size: .875rem; text-align: left; }
th, td { padding: .4rem .75rem; border-bottom: 1px solid var(--rule); text-align: left; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
th.group { padding-top: 1.25rem; font-weight: 600; }
thead th { color: var(--soft); font-size: .8125rem; }
.number { text-align: right; white-space: nowrap; }
tr.best { background: var(--band); }
figure { margin: 0; }
img { display: block; max-width: 100%; height: auto; padding: .75rem; border-radius: 6px;
  border: 1px solid var(--rule); background: #ffffff; }
figcaption { margin-top: .75rem; max-width: 46rem; color: var(--soft); font-size: .9375rem; }
@media print {
  :root { --ink: #000; --soft: #444; --rule: #bbb; --paper: #fff; --band: #eee; }
  body { padding: 0; font-size: 10pt; }
  h2 { margin-top: 2rem; break-after: avoid; }
  section, tr { break-inside: avoid; }
  img { padding: 0; border: 0; } }
"""


def _page(report: Mapping[str, Any], figures: Sequence[str]) -> str:
    title = html.escape(f"Few-shot classification on {report['dataset']}")
    facts = "".join(
        f"<div><dt>{label}</dt><dd>{html.escape(str(value))}</dd></div>\n"
        for label, value in (
            ("Data set", report["dataset"]),
            ("Split", report["split"]),
            ("Backbone", report["backbone"]),
            ("Episodes", f"{report['episodes']:,}"),
            ("Seed", report["seed"]),
        )
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_CSS}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="summary">{_typeset(_summary(report))}</p>
<dl>
{facts}</dl>
</header>
<main>
<section>
<h2>Results</h2>
{_table(report["results"])}
</section>
{"".join(figures)}</main>
</body>
</html>
"""


def _typeset(text: str) -> str:
    """Escapes a text for HTML and keeps "K = 3" and "95 %" from being broken over two lines."""
    return html.escape(text).replace("K = ", "K&nbsp;=&nbsp;").replace(" %", "&nbsp;%")


def _summary(report: Mapping[str, Any]) -> str:
    """One sentence: where, and what the steps change."""
    rows = report["results"]
    tasks = " and ".join(dict.fromkeys(str(setting.task) for setting in _by_setting(rows)))
    return (
        f"In {report['episodes']:,} episodes ({tasks}) of the {report['split']} split of "
        f"{report['dataset']}, {_finding(rows)}."
    )


def _finding(rows: Sequence[Row]) -> str:
    compared = [c for c in _comparisons(rows) if c.before is not c.after]
    if not compared:
        return "the accuracy is " + "; ".join(
            f"{_percent(max(row['accuracy'] for row in group))} % on "
            f"{_look(setting.query_shares).words}"
            for setting, group in _by_setting(rows).items()
        )
    if len({c.setting.query_shares for c in compared}) < len(compared):
        # Several models or tasks: in full, the sentence would be the table over again.
        gains = [c.after["accuracy"] - c.before["accuracy"] for c in compared]
        return (
            "synthetic-gradient steps change the accuracy by between "
            f"{_signed_percent(min(gains))} and {_signed_percent(max(gains))} points, depending "
            "on the model and on the queries"
        )
    return "synthetic-gradient steps take the accuracy " + "; ".join(
        f"on {_look(setting.query_shares).words} from {_percent(before['accuracy'])} % at "
        f"K = {before['num_steps']} to {_percent(after['accuracy'])} % at "
        f"K = {after['num_steps']} "
        f"({_signed_percent(after['accuracy'] - before['accuracy'])} points)"
        for setting, _, before, after in compared
    )


def _table(rows: Sequence[Row]) -> str:
    groups = "".join(_table_group(*item) for item in _by_setting(rows).items())
    return f"""<div class="table">
<table>
<caption>Mean over the episodes with its 95 % interval; the best accuracy of each group is in bold.
ECE is the expected calibration error.</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Trained on</th>
<th scope="col" class="number">Accuracy, %</th><th scope="col" class="number">ECE</th>
<th scope="col" class="number">Seconds</th></tr></thead>
{groups}</table>
</div>"""


def _table_group(setting: _Setting, rows: Sequence[Row]) -> str:
    heading = html.escape(f"{_capital(_look(setting.query_shares).words)} ({setting.task})")
    best = max(row["accuracy"] for row in rows)
    models = _by_variant(rows).values()
    ordered = [*_prototypes(rows), *(row for same_model in models for row in same_model)]
    lines = "".join(_table_row(row, row["accuracy"] == best) for row in ordered)
    return f"""<tbody>
<tr><th colspan="5" scope="rowgroup" class="group">{heading}</th></tr>
{lines}</tbody>
"""


def _table_row(row: Row, is_best: bool) -> str:
    accuracy = f"{_percent(row['accuracy'])} ± {_percent(row['ci95'])}"
    trained_on = "–" if row["method"] == "prototypes" else _look(row["train_query_shares"]).words
    return f"""<tr{' class="best"' if is_best else ""}>
<th scope="row">{html.escape(_method(row))}</th>
<td>{html.escape(trained_on)}</td>
<td class="number">{f"<strong>{accuracy}</strong>" if is_best else accuracy}</td>
<td class="number">{row["ece"]:.3f}</td>
<td class="number">{row["seconds"]:.1f}</td></tr>
"""


def _figure_html(picture: _Picture, png: bytes) -> str:
    width = round(picture.figure.get_figwidth() * _CSS_PIXELS_PER_INCH)
    return f"""<section>
<h2>{html.escape(picture.title)}</h2>
<figure>
<img src="data:image/png;base64,{base64.b64encode(png).decode()}" width="{width}"
alt="{html.escape(picture.alternative)}">
<figcaption>{_typeset(picture.caption)}</figcaption>
</figure>
</section>
"""
