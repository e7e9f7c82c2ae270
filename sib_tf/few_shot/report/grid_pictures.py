"""The pictures of a grid: accuracy against the number of queries, and who is better where."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.report import names
from sib_tf.report import wording
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION

_COLOURS = (GREY, INK, GREEN, ORANGE, VERMILLION, "#CC79A7", "#56B4E9")
_LARGEST, _DARK = 10, 6  # points: of the colours of the table

Rows = Sequence[Mapping[str, Any]]


def accuracy_vs_queries(rows: Rows) -> Picture:
    """A panel for each way, shot and kind of shares; a line with its interval for each method."""
    settings = list(dict.fromkeys(map(_panel, rows)))
    figure, all_axes = panels(len(settings), columns=2, width=9, height=3)
    methods = list(dict.fromkeys(row["method"] for row in rows))
    for axes, setting in zip(all_axes, settings, strict=True):
        for method in methods:
            of = [row for row in rows if _panel(row) == setting and row["method"] == method]
            _draw_line(axes, of, _colour(method, methods))
        axes.set_title(_title(setting))
        axes.set(xscale="log", xlabel="queries", ylabel="accuracy, %")
        shown = sorted({row["query"] for row in rows if _panel(row) == setting})
        axes.set_xticks(shown, [f"{queries:,}" for queries in shown])
        axes.set_xticks([], minor=True)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4)
    described = (
        f"{_title(_panel(row))}, {row['query']} queries, {METHODS[row['method']].title}: "
        f"{wording.percent(row['accuracy'])} %"
        for row in rows
    )
    return Picture(
        "Accuracy against the number of queries",
        "Each line is a method, with its 95 % interval over the episodes. A method that gains by "
        "unlabelled images rises to the right.",
        f"Line charts. {'; '.join(described)}.",
        figure,
    )


def differences(rows: Rows) -> Picture:
    """The trained model less each other method, a line for each cell and a column for each."""
    trained = {_cell(row): row for row in rows if METHODS[row["method"]].iterative}
    others = list(dict.fromkeys(r["method"] for r in rows if not METHODS[r["method"]].iterative))
    accuracy = {(_cell(row), row["method"]): row["accuracy"] for row in rows}
    cells = list(trained)
    gains = np.array(
        [
            [100 * (trained[cell]["accuracy"] - accuracy.get((cell, m), np.nan)) for m in others]
            for cell in cells
        ]
    )
    figure, (axes,) = panels(1, columns=1, width=9, height=1.6 + 0.22 * len(cells))
    norm = TwoSlopeNorm(0, -_LARGEST, _LARGEST)
    axes.imshow(np.clip(gains, -_LARGEST, _LARGEST), cmap="RdBu", norm=norm, aspect="auto")
    for (line, column), gain in np.ndenumerate(gains):
        text = "" if np.isnan(gain) else f"{gain:+.1f}".replace("-", "−")
        colour = "white" if abs(gain) > _DARK else INK
        axes.text(column, line, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(others)), [METHODS[name].title for name in others])
    axes.set_yticks(range(len(cells)), [_cell_title(cell) for cell in cells], fontsize=7)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    worse = int((gains < 0).sum())
    return Picture(
        "The trained model less the others",
        "Points of accuracy on the same episodes. Blue: the trained model is better; red: worse.",
        f"Table of {len(cells)} cells and {len(others)} methods; the trained model is worse in "
        f"{worse} of {int(np.isfinite(gains).sum())} entries.",
        figure,
    )


def _draw_line(axes: Axes, rows: Rows, colour: str) -> None:
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: row["query"])
    axes.errorbar(
        [row["query"] for row in ordered],
        [100 * row["accuracy"] for row in ordered],
        yerr=[100 * row["ci95"] for row in ordered],
        color=colour,
        marker="o",
        markersize=3,
        elinewidth=1,
        capsize=2,
        label=METHODS[ordered[0]["method"]].title,
    )


def _colour(method: str, methods: Sequence[str]) -> str:
    if METHODS[method].iterative:
        return BLUE
    others = [name for name in methods if not METHODS[name].iterative]
    return _COLOURS[others.index(method) % len(_COLOURS)]


def _panel(row: Mapping[str, Any]) -> tuple[int, int, str]:
    return row["way"], row["shot"], row["query_shares"]


def _cell(row: Mapping[str, Any]) -> tuple[int, int, str, int]:
    return *_panel(row), row["query"]


def _cell_title(cell: tuple[int, int, str, int]) -> str:
    way, shot, shares, queries = cell
    return f"{way}-way {shot}-shot, {queries:,} {names.queries(shares)}"


def _title(setting: tuple[int, int, str]) -> str:
    way, shot, shares = setting
    return f"{way}-way {shot}-shot, {names.queries(shares)}"
