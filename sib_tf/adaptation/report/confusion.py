"""The picture of which classes are taken for which."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sib_tf.adaptation.report import names
from sib_tf.report import wording
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import INK


def draw(report: Mapping[str, Any]) -> Picture:
    """The confusion matrices before the first step and after the last of training."""
    matrices = {int(k): np.array(counts) for k, counts in report["confusion"].items()}
    classes = [wording.class_name(name) for name in report["classes"]]
    method = names.title(report["exported"])
    figure, all_axes = panels(len(matrices), columns=2, width=9, height=4.4)
    for axes, (k, counts) in zip(all_axes, matrices.items(), strict=True):
        _draw_one(axes, 100 * counts / counts.sum(axis=1, keepdims=True), classes)
        axes.set_title(f"K = {k}")
    diagonals = (
        f"K = {k}: "
        + ", ".join(
            f"{name} {wording.percent(counts[i, i] / counts[i].sum())} %"
            for i, name in enumerate(classes)
        )
        for k, counts in matrices.items()
    )
    return Picture(
        "Which classes are taken for which",
        "Of the images of each class (rows) the share in % that got each label (columns) by "
        f"{method}, before the first synthetic-gradient step and after the last.",
        f"Confusion matrices. Right answers, {'; '.join(diagonals)}.",
        figure,
    )


def _draw_one(axes: Axes, shares: np.ndarray, classes: list[str]) -> None:
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=130)  # no darker than black letters allow
    for (row, column), share in np.ndenumerate(shares):
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=INK, fontsize=8)
    places = range(len(classes))
    axes.set_xticks(places, classes, rotation=45, ha="right")
    axes.set_yticks(places, classes)
    axes.set(ylabel="truth", xlabel="label")
    axes.grid(visible=False)
