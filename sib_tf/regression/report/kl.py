"""The pictures of the KL divergence: in the course of meta-training, and against K."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from sib_tf.regression.report import names
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, GREY, ORANGE

_COLOURS = {"train": ORANGE, "test": BLUE}
_CONSTANT = {"color": GREY, "linestyle": "--", "linewidth": 1.2}
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def in_training(report: Mapping[str, Any]) -> Picture:
    """A line for each split, from the untrained model on."""
    figure, axes = _one_panel()
    steps = _plot(axes, report, "training", over="step", marker=".")
    # Logarithmic, as most of the fall is in the first steps, but for those up to the first epoch.
    axes.set_xscale("symlog", linthresh=steps[1])
    axes.set_xlim(0, steps[-1])
    axes.xaxis.set_major_formatter(_PLAIN)
    _finish(axes, report, xlabel="steps of meta-training")
    first, *_, last = _of_split(report["training"], "test")
    return Picture(
        "Divergence during meta-training",
        "Mean divergence of the slope after K steps from its exact posterior, which no label of "
        "the task has been shown for. The dashed line is the best that K = 0 can do on average "
        "over all tasks, in closed form; the floor is 0, out of a logarithmic picture.",
        f"Line chart, falling from {first['kl']:.3g} to {last['kl']:.3f} nats on unseen tasks.",
        figure,
    )


def vs_steps(report: Mapping[str, Any]) -> Picture:
    """A line for each split over the K of evaluation."""
    figure, axes = _one_panel()
    steps = _plot(axes, report, "results", over="num_steps", marker="o")
    axes.axvline(report["num_steps"], color=GREY, linewidth=0.9, zorder=0)
    axes.xaxis.set_major_locator(FixedLocator(steps))
    _finish(axes, report, xlabel="K, synthetic-gradient steps")
    return Picture(
        "Divergence against the number of steps",
        "The same after 0, 1, 2 and more steps of the trained model. The vertical line marks the K "
        "of training: the steps are learnt to arrive there, and more go past it.",
        "Line chart. "
        + "; ".join(
            f"{names.SPLITS[row['split']]}, K = {row['num_steps']}: {row['kl']:.3f}"
            for row in report["results"]
        )
        + ".",
        figure,
    )


def _of_split(rows: Sequence[Mapping[str, Any]], split: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["split"] == split]


def _one_panel() -> tuple[Figure, Axes]:
    figure, (axes,) = panels(1, columns=1, width=7, height=3.6)
    return figure, axes


def _plot(
    axes: Axes, report: Mapping[str, Any], part: str, over: str, marker: str
) -> Sequence[int]:
    """A line for each split over a field of the rows of a part; returns its values."""
    for split in report["tasks"]:
        rows = _of_split(report[part], split)
        steps, kl = zip(*((row[over], row["kl"]) for row in rows), strict=True)
        axes.plot(steps, kl, color=_COLOURS[split], label=names.SPLITS[split], marker=marker)
    return steps


def _finish(axes: Axes, report: Mapping[str, Any], xlabel: str) -> None:
    axes.axhline(report["kl_of_best_constant"], label=names.BEST_CONSTANT, **_CONSTANT)
    axes.set(xlabel=xlabel, ylabel="KL, nats", yscale="log")
    axes.yaxis.set_major_formatter(_PLAIN)
    axes.legend()
