"""The results of a grid of settings: as data, as a table and as a page."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.few_shot.evaluation import differences, mean_and_interval
from sib_tf.few_shot.grid.evaluation import Accuracies
from sib_tf.few_shot.grid.settings import Cell
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.report import grid_pictures
from sib_tf.report import page, wording
from sib_tf.report.markdown import table

_COLUMNS = {"way": "way", "shot": "shot", "query": "queries", "query_shares": "shares"}


def results(cells: Sequence[Cell], found: Sequence[Accuracies]) -> list[dict[str, Any]]:
    """A row for each method in each cell, with paired differences as in `evaluation.rows`."""
    rows = []
    for cell, accuracies in zip(cells, found, strict=True):
        for method, of_episode in accuracies.items():
            accuracy, half_width = mean_and_interval(of_episode)
            others = {name: of for name, of in accuracies.items() if name != method}
            rows.append(
                {
                    "way": cell.spec.way,
                    "shot": cell.spec.shot,
                    "query": cell.spec.queries,
                    "query_shares": cell.spec.shares,
                    "episodes": cell.count,
                    "method": method,
                    "accuracy": accuracy,
                    "ci95": half_width,
                    "differences": differences(of_episode, others),
                }
            )
    return rows


def markdown(report: Mapping[str, Any]) -> str:
    """A line for each cell, a column for each method; what was left out is said below."""
    cells = _by_cell(report["results"])
    methods = list(dict.fromkeys(row["method"] for row in report["results"]))
    lines = []
    for setting, rows in cells.items():
        accuracies = (
            wording.percent_interval(rows[name]["accuracy"], rows[name]["ci95"])
            if name in rows
            else ""
            for name in methods
        )
        lines.append([*map(str, setting), *accuracies])
    heads = [*_COLUMNS.values(), *(METHODS[name].title for name in methods)]
    return "\n".join([table(heads, lines), *(f"\nLeft out: {line}" for line in report["left_out"])])


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Writes the page, and its pictures as PNG files into `pictures/` beside it.

    Args:
        path: HTML file to write.
        report: `features`, what they are of, `seed`, the rows of `results`, and `left_out`, a line
            for each cell that the data cannot fill.
    """
    rows = report["results"]
    content = page.Page(
        title=f"A grid of settings on {report['features']}",
        summary=_summary(rows),
        facts={
            "Features": report["features"],
            "Cells": len(_by_cell(rows)),
            "Left out": len(report["left_out"]),
            "Seed": report["seed"],
        },
        table=f"<pre>{html.escape(markdown(report))}</pre>",
    )
    page.write(
        path,
        content,
        lambda: {
            "accuracy_vs_queries": grid_pictures.accuracy_vs_queries(rows),
            "differences": grid_pictures.differences(rows),
        },
    )


def _by_cell(rows: Sequence[Mapping[str, Any]]) -> dict[tuple, dict[str, Mapping[str, Any]]]:
    cells: dict[tuple, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        key = tuple(row[field] for field in _COLUMNS)
        cells.setdefault(key, {})[row["method"]] = row
    return cells


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where the trained model is better and worse than prototypes, and by how much on average."""
    gains = [
        row["differences"]["start"]
        for row in rows
        if METHODS[row["method"]].iterative and "start" in row["differences"]
    ]
    if not gains:
        return "The trained model was not evaluated beside prototypes."
    means = np.array([gain["mean"] for gain in gains])
    sure = np.array([abs(gain["mean"]) > gain["ci95"] for gain in gains])
    better, worse = int((sure & (means > 0)).sum()), int((sure & (means < 0)).sum())
    average, lowest, highest = map(wording.signed_percent, (means.mean(), means.min(), means.max()))
    return (
        f"Over prototypes, the trained model gains {average} points on average over {len(means)} "
        f"cells, {lowest} in the worst and {highest} in the best. Beyond the 95 % interval it is "
        f"better in {better} and worse in {worse}."
    )
