"""The picture of how the probability of the true class changes with the steps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sib_tf.few_shot.report.shown_episode import ShownEpisode
from sib_tf.report import wording
from sib_tf.report.lettering import lettered
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, GREY, INK, VERMILLION

_COLUMNS = 5
_MEAN_WIDTH = 2.4


class _Kind(NamedTuple):
    """Queries that fare alike: `members`, bool [Q]."""

    label: str
    members: np.ndarray
    colour: str
    width: float


def draw(episode: ShownEpisode) -> Picture:
    """A panel for each class, a line for each of its queries."""
    last = episode.num_steps
    queries = np.arange(len(episode.query_labels))
    of_truth = episode.probabilities[:, queries, episode.query_labels]  # [K + 1, Q]
    kinds = _kinds(episode)
    figure, all_axes = panels(len(episode.class_names), columns=_COLUMNS, width=9, height=2.6)
    for n, (axes, name) in enumerate(zip(all_axes, episode.class_names, strict=True)):
        _draw_class(axes, of_truth, episode.query_labels == n, kinds)
        title, font = lettered(f"{n + 1} {wording.class_name(name)}", instead=str(n + 1))
        axes.set_title("\n".join(wording.two_lines(title, 18)), **font)
        if n % _COLUMNS:
            axes.tick_params(labelleft=False)
    _draw_legend(figure, kinds)
    return Picture(
        "Probability of the true class",
        "A panel for each class of the episode above, a line for each of its queries: the "
        "probability that the model gives to the true class after K synthetic-gradient steps.",
        "Line charts, one for each class. The mean probability of the true class goes from "
        f"{wording.percent(of_truth[0].mean())} % at K = 0 to "
        f"{wording.percent(of_truth[-1].mean())} % at K = {last}.",
        figure,
    )


def _kinds(episode: ShownEpisode) -> list[_Kind]:
    """In the order of drawing: the changed ones come on top of the many that do not change."""
    before, after = episode.is_right(0), episode.is_right(episode.num_steps)
    return [
        _Kind("unchanged", before == after, "#A8A8A8", 0.9),
        _Kind("becomes wrong", before & ~after, VERMILLION, 1.5),
        _Kind("becomes right", after & ~before, BLUE, 1.5),
    ]


def _draw_class(
    axes: Axes, of_truth: np.ndarray, of_class: np.ndarray, kinds: Sequence[_Kind]
) -> None:
    last = len(of_truth) - 1
    steps = np.arange(last + 1)
    marker = "o" if last == 0 else None
    for _, members, colour, width in kinds:
        chosen = of_truth[:, members & of_class]
        axes.plot(steps, chosen, color=colour, linewidth=width, marker=marker, markersize=4)
    if of_class.any():
        mean = of_truth[:, of_class].mean(axis=1)
        axes.plot(steps, mean, color=INK, linewidth=_MEAN_WIDTH, marker=marker)
    else:
        axes.text(0.5, 0.5, "no queries", color=GREY, ha="center", transform=axes.transAxes)
    axes.set(xlim=(-0.15, last + 0.15), ylim=(-0.02, 1.02), xlabel="K")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _draw_legend(figure: Figure, kinds: Sequence[_Kind]) -> None:
    handles = [
        Line2D([], [], color=colour, linewidth=width, label=label)
        for label, members, colour, width in kinds
        if members.any()
    ]
    handles.append(Line2D([], [], color=INK, linewidth=_MEAN_WIDTH, label="mean of the class"))
    figure.legend(handles=handles[::-1], loc="outside upper left", ncols=4)
