"""The picture of accuracy against the number of steps."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.report import names
from sib_tf.few_shot.report.looks import look
from sib_tf.few_shot.report.results import (
    Row,
    Setting,
    baselines,
    by_model,
    by_setting,
    method_of,
)
from sib_tf.report import wording
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import GREY

_BASELINE = {"linewidth": 1.2}
_TRAINED = {"color": GREY, "linestyle": "-", "linewidth": 0.9}


class _Dashes(NamedTuple):
    """How the line of a baseline is broken, in words and for matplotlib."""

    words: str
    style: str | tuple[int, Sequence[int]]


_DASHES = (
    _Dashes("dashed", "--"),
    _Dashes("dotted", ":"),
    _Dashes("dash-dotted", "-."),
    _Dashes("long-dashed", (0, (10, 3))),
)


class _Line(NamedTuple):
    """One trained model in one setting, its rows by rising K."""

    setting: Setting
    label: str
    look: Mapping[str, Any]
    rows: Sequence[Row]


def draw(rows: Sequence[Row], trained_steps: int) -> Picture:
    """A panel for each task, a line for each trained model and kind of queries."""
    groups = by_setting(rows)
    tasks = list(dict.fromkeys(setting.task for setting in groups))
    figure, all_axes = panels(len(tasks), columns=2, width=8, height=3.9)
    lines, dashes = _lines(rows), _dashes(rows)
    for axes, task in zip(all_axes, tasks, strict=True):
        _draw_lines(axes, [line for line in lines if line.setting.task == task])
        for setting, group in groups.items():
            for row in baselines(group) if setting.task == task else ():
                colour, style = look(setting.query_shares).colour, dashes[method_of(row)].style
                axes.axhline(100 * row["accuracy"], color=colour, linestyle=style, **_BASELINE)
        axes.set_title(str(task))
        if lines:
            axes.axvline(trained_steps, zorder=0, **_TRAINED)
    _draw_legend(figure, lines, dashes, columns=4 if len(by_model(rows)) < 2 else 1)
    described = [
        f"{setting.task}, {names.queries(setting.query_shares)}, {method_of(row).name(row)}: "
        f"{wording.percent(row['accuracy'])} %"
        for setting, group in groups.items()
        for row in group
    ]
    return Picture(
        "Accuracy against the number of steps",
        "Each line shows how accuracy changes with the number K of synthetic-gradient steps, for "
        "one mix of classes among the queries. Bars are 95 % intervals over the episodes"
        f"{_explained(dashes)}. The vertical line marks the K that the model is trained for.",
        "Line chart. " + "; ".join(described) + ".",
        figure,
    )


def _dashes(rows: Sequence[Row]) -> dict[type[Method], _Dashes]:
    """How the lines of each baseline are broken, in the order of the rows."""
    methods = dict.fromkeys(method_of(row) for row in baselines(rows))
    return dict(zip(methods, itertools.cycle(_DASHES), strict=False))


def _explained(dashes: Mapping[type[Method], _Dashes]) -> str:
    return "".join(
        f"; the {words} line of the same colour is "
        + (f"the inductive baseline, plain {method.title}" if method.is_start else method.title)
        for method, (words, _) in dashes.items()
    )


def _lines(rows: Sequence[Row]) -> list[_Line]:
    """Lines that differ in colour and marker by the queries, in their dashes by the model."""
    models = list(by_model(rows))
    lines = []
    for setting, group in by_setting(rows).items():
        queries = names.queries(setting.query_shares)
        colour, marker = look(setting.query_shares)
        for model, of_model in by_model(group).items():
            dashes = ("-", ":", "-.")[models.index(model) % 3]
            label = f"{queries}; {_model(of_model[0])}" if len(models) > 1 else queries
            style = {"color": colour, "marker": marker, "linestyle": dashes}
            lines.append(_Line(setting, label, style, of_model))
    return lines


def _model(row: Row) -> str:
    return method_of(row).model(row)


def _draw_lines(axes: Axes, lines: Sequence[_Line]) -> None:
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


def _draw_legend(
    figure: Figure,
    lines: Sequence[_Line],
    dashes: Mapping[type[Method], _Dashes],
    columns: int,
) -> None:
    """One entry for all lines of a label; the labels of several models take a line each."""
    handles = {line.label: Line2D([], [], label=line.label, **line.look) for line in lines}
    single = [
        Line2D([], [], label=method.title, color=GREY, linestyle=style, **_BASELINE)
        for method, (_, style) in dashes.items()
    ]
    trained = Line2D([], [], label="K of training", **_TRAINED)
    shown = [*handles.values(), *single, *([trained] if lines else [])]
    figure.legend(handles=shown, loc="outside upper left", ncols=columns)
