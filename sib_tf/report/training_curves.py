"""The picture of the training curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, ORANGE

History = Mapping[str, Sequence[float | None]]
Curves = Mapping[str, History]

_VALIDATION = "val_"
_SIDES = (("", "training", BLUE), (_VALIDATION, "validation", ORANGE))


def draw(curves: Curves) -> Picture | None:
    """A panel for each metric of each phase; None if there is no metric."""
    charts = [(phase, metric) for phase in curves for metric in _metrics(curves[phase])]
    if not charts:
        return None
    figure, all_axes = panels(len(charts), columns=2, width=8, height=2.3)
    for axes, (phase, metric) in zip(all_axes, charts, strict=True):
        _draw_metric(axes, curves[phase], metric)
        axes.set_title(f"{phase}: {metric.replace('_', ' ')}")
    handles = [Line2D([], [], color=colour, label=label) for _, label, colour in _SIDES]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return Picture(
        "Training",
        "Every panel is one quantity over the epochs of one phase of training. Where the "
        "validation line leaves the training line for the worse, the model overfits.",
        "Line charts over the epochs: "
        + ", ".join(f"{metric} of {phase}" for phase, metric in charts)
        + ".",
        figure,
    )


def _metrics(history: History) -> list[str]:
    """The names of the metrics without `val_`, in the order they come."""
    names = (name.removeprefix(_VALIDATION) for name in history if name != "epoch")
    return list(dict.fromkeys(names))


def _draw_metric(axes: Axes, history: History, metric: str) -> None:
    for prefix, _, colour in _SIDES:
        if prefix + metric in history:
            values = np.asarray(history[prefix + metric], dtype=float)  # None becomes NaN
            epochs = history.get("epoch", range(1, len(values) + 1))
            axes.plot(epochs, values, color=colour, marker="o" if len(values) == 1 else None)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=(1, 2, 5, 10)))
