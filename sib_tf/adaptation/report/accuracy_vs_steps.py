"""The picture of accuracy against the number of steps."""

from collections.abc import Mapping
from typing import Any

from matplotlib.ticker import MaxNLocator

from sib_tf.adaptation.report import names
from sib_tf.report import wording
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION

_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION)
_DASHES = ("--", ":", "-.")


def draw(report: Mapping[str, Any]) -> Picture:
    """A line for each model that takes steps, a level for each that does not."""
    by_method: dict[str, list[Mapping[str, Any]]] = {}
    for row in report["results"]:
        by_method.setdefault(row["method"], []).append(row)
    figure, (axes,) = panels(1, columns=1, width=7, height=3.8)
    colours, dashes = iter(_COLOURS), iter(_DASHES)
    for method, rows in by_method.items():
        label = names.title(method)
        if len(rows) == 1:
            look = {"color": GREY, "linestyle": next(dashes), "linewidth": 1.2}
            axes.axhline(100 * rows[0]["accuracy"], label=label, **look)
        else:
            axes.errorbar(
                [row["num_steps"] for row in rows],
                [100 * row["accuracy"] for row in rows],
                yerr=[100 * row["ci95"] for row in rows],
                color=next(colours),
                marker="o",
                capsize=3,
                elinewidth=1.2,
                label=label,
            )
    axes.axvline(report["num_steps"], color=INK, linewidth=0.8, zorder=0, label="K of training")
    axes.set(xlabel="K, synthetic-gradient steps", ylabel="accuracy, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="x", visible=False)
    figure.legend(loc="outside upper left", ncols=3)
    described = (
        f"{names.title(row['method'])}, K = {row['num_steps']}: "
        f"{wording.percent(row['accuracy'])} %"
        for row in report["results"]
    )
    return Picture(
        "Accuracy against the number of steps",
        "Lines: models that adapt to the images of the target by synthetic-gradient steps. Levels: "
        "models without steps. Bars are 95 % intervals over the images.",
        f"Line chart. {'; '.join(described)}.",
        figure,
    )
