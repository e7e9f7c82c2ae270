"""The reliability diagram."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sib_tf.few_shot.report import names
from sib_tf.few_shot.report.results import Row, by_setting, comparisons, method_of
from sib_tf.report import wording
from sib_tf.report.picture import Picture
from sib_tf.report.style import BLUE, GREY, ORANGE


def draw(rows: Sequence[Row], trained_steps: int) -> Picture:
    """Accuracy against confidence, above how many queries there are of each confidence."""
    drawn = _rows_to_draw(rows, trained_steps)
    queries = names.queries(drawn[0]["query_shares"])
    return Picture(
        "Reliability",
        "Queries are sorted into bins by the confidence of their prediction. On the dashed line "
        "confidence is accuracy; below it the model is overconfident, above it too modest. ECE, "
        "the expected calibration error, is the mean distance from that line, weighted by the "
        "share of the queries in each bin (the lower chart).",
        f"Reliability diagram for {queries}. Expected calibration error: "
        + ", ".join(f"{method_of(row).name(row)}: {row['ece']:.3f}" for row in drawn)
        + ".",
        _figure(drawn, title=wording.capital(queries)),
    )


def _rows_to_draw(rows: Sequence[Row], trained_steps: int) -> list[Row]:
    """The first model in the first setting, before and after its steps; one row if the same."""
    compared = comparisons(rows, trained_steps)
    if not compared:
        return next(iter(by_setting(rows).values()))[:1]
    first = compared[0]
    return [first.after] if first.before is first.after else [first.before, first.after]


def _figure(rows: Sequence[Row], title: str) -> Figure:
    figure = Figure(figsize=(6, 5.6), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1))
    diagram = figure.add_subplot(grid[0])
    histogram = figure.add_subplot(grid[1], sharex=diagram)

    diagram.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="calibrated")
    for i, (row, colour) in enumerate(zip(rows, (ORANGE, BLUE), strict=False)):
        label = f"{method_of(row).name(row)}, ECE {row['ece']:.3f}"
        _draw_accuracy(diagram, row, color=colour, marker="os"[i], label=label)
        _draw_counts(histogram, row, i / len(rows), 1 / len(rows), color=colour)

    diagram.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    diagram.tick_params(labelbottom=False)
    diagram.set_title(title)
    diagram.legend(loc="upper left")
    histogram.set(xlabel="confidence (probability of the predicted class)", ylabel="queries")
    for axis in (diagram.xaxis, diagram.yaxis, histogram.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    histogram.yaxis.set_major_locator(MaxNLocator(3))
    return figure


def _draw_accuracy(diagram: Axes, row: Row, **look: str) -> None:
    bins = row["reliability"]
    filled = np.asarray(bins["count"]) > 0
    confidence = np.asarray(bins["confidence"], dtype=float)[filled]
    accuracy = np.asarray(bins["accuracy"], dtype=float)[filled]
    diagram.plot(confidence, accuracy, **look)


def _draw_counts(histogram: Axes, row: Row, start: float, share: float, **look: str) -> None:
    """Bars that take the given share of the width of a bin, beginning at `start` within it."""
    counts = np.asarray(row["reliability"]["count"], dtype=float)
    pitch = 1 / len(counts)
    left = np.arange(len(counts)) * pitch + pitch * (0.1 + 0.8 * start)
    heights = counts / max(counts.sum(), 1)
    histogram.bar(left, heights, width=0.8 * share * pitch, align="edge", **look)
