"""The picture of the training curves."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, ORANGE

History = Mapping[str, Sequence[float | None]]
Curves = Mapping[str, History]

_VALIDATION = "val_"
_SIDES = {"training": BLUE, "validation": ORANGE}


class _Chart(NamedTuple):
    """A panel: one quantity of one phase, and which metrics of the history are that quantity."""

    phase: str
    title: str
    metrics: Sequence[str]


# The two accuracies of pretraining answer different questions and do not share a panel.
_CHARTS = (
    _Chart("pretraining", "loss", ("loss",)),
    _Chart("pretraining", "accuracy, all classes", ("accuracy",)),
    _Chart("pretraining", "accuracy, episodes", ("val_accuracy",)),
    _Chart("meta-training", "loss", ("loss", "val_loss")),
    _Chart("meta-training", "accuracy", ("accuracy", "val_accuracy")),
)
_CAPTIONS = {
    "pretraining": "Pretraining learns to tell all training classes apart; its validation asks "
    "another question: how well plain prototypes do in 1-shot episodes of the validation classes. "
    "The epoch that does best there is kept.",
    "meta-training": "Meta-training has episodes on both sides: where the validation line leaves "
    "the training line for the worse, the model overfits.",
}


def draw(curves: Curves) -> Picture | None:
    """A panel for each quantity of each phase; None if there is no curve."""
    charts = [chart for chart in _CHARTS if _metrics(chart, curves)]
    if not charts:
        return None
    figure, all_axes = panels(len(charts), columns=3, width=9, height=2.5)
    for axes, chart in zip(all_axes, charts, strict=True):
        _draw_chart(axes, chart, curves)
    handles = [Line2D([], [], color=colour, label=side) for side, colour in _SIDES.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return Picture(
        "Training",
        " ".join(_CAPTIONS[phase] for phase in dict.fromkeys(chart.phase for chart in charts)),
        "Line charts over the epochs: "
        + "; ".join(f"{chart.phase}, {chart.title}" for chart in charts)
        + ".",
        figure,
    )


def _metrics(chart: _Chart, curves: Curves) -> list[str]:
    """Those metrics of a chart that were recorded."""
    return [metric for metric in chart.metrics if metric in curves.get(chart.phase, {})]


def _draw_chart(axes: Axes, chart: _Chart, curves: Curves) -> None:
    history = curves[chart.phase]
    is_accuracy = chart.title.startswith("accuracy")
    for metric in _metrics(chart, curves):
        values = np.asarray(history[metric], dtype=float)  # None becomes NaN
        values = 100 * values if is_accuracy else values
        epochs = history.get("epoch", range(1, len(values) + 1))
        side = "validation" if metric.startswith(_VALIDATION) else "training"
        axes.plot(epochs, values, color=_SIDES[side], marker="o" if len(values) == 1 else None)
    axes.set_title(f"{chart.phase}\n{chart.title}")
    axes.set(xlabel="epoch", ylabel="%" if is_accuracy else None)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=(1, 2, 5, 10)))
