"""The picture of the lines that spin."""

import matplotlib
import numpy as np

from sib_tf.regression.report.shown import Shown
from sib_tf.regression.tasks import posterior
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import INK, VERMILLION

_LEGEND_COLUMNS = 7  # as many as the figure is wide
_POINTS = {
    "color": VERMILLION,
    "linestyle": "",
    "marker": "o",
    "markersize": 2.7,
    "markerfacecolor": "white",
    "markeredgewidth": 0.7,
}


def draw(shown: Shown) -> Picture:
    """A panel for each task: the line of each step, the best guess and the truth."""
    lines, slopes = shown
    best = posterior(lines.family, lines.x).mean
    figure, all_axes = panels(len(lines.x), columns=4, width=9, height=2.9)
    reach = np.array([-1.0, 1.0]) * np.abs(lines.x).max()
    steepest = np.abs([*slopes, lines.w, best]).max()
    shades = matplotlib.colormaps["Blues"](np.linspace(0.35, 1.0, len(slopes)))
    for i, axes in enumerate(all_axes):
        axes.plot(reach, lines.w[i] * reach, color=VERMILLION, linewidth=3.2, label="true line")
        for k, (slope, shade) in enumerate(zip(slopes[:, i], shades, strict=True)):
            axes.plot(reach, slope * reach, color=shade, linewidth=1.3, label=f"k = {k}")
        axes.plot(reach, best[i] * reach, color=INK, linestyle=":", label="best guess")
        axes.plot(lines.x[i], lines.y[i], label="y, never shown", **_POINTS)
        axes.set_title(f"task {i + 1}: w = {lines.w[i]:.2f}")
        # The same limits in each panel, so that equal slopes look equal.
        axes.set(xlabel="x", ylabel="y" if i == 0 else None, ylim=1.05 * steepest * reach)
    handles, labels = all_axes[0].get_legend_handles_labels()
    columns = min(len(labels), _LEGEND_COLUMNS)
    figure.legend(handles, labels, loc="outside upper left", ncols=columns)
    return Picture(
        "Spinning lines",
        "The line y = theta of k times x of unseen tasks, from the smallest to the largest mean of "
        "the inputs, after k = 0 .. K steps: all start from the same slope and turn to the mean of "
        "the exact posterior, the best guess without a label. What is left to the true line cannot "
        "be known.",
        "Lines. "
        + "; ".join(
            f"task {i + 1}: from {slopes[0, i]:.2f} to {slopes[-1, i]:.2f}, "
            f"best guess {best[i]:.2f}, truth {w:.2f}"
            for i, w in enumerate(lines.w)
        )
        + ".",
        figure,
    )
