"""The picture of images whose answer changes."""

import numpy as np

from sib_tf.adaptation.report.shown import Shown
from sib_tf.report import wording
from sib_tf.report.picture import Picture, panels
from sib_tf.report.style import BLUE, INK, VERMILLION


def draw(method: str, shown: Shown) -> Picture | None:
    """Some images that get another label by the steps of a method, each kind in turn."""
    if not len(shown.images):
        return None
    figure, all_axes = panels(len(shown.images), columns=6, width=9, height=1.95)
    names = [wording.class_name(name) for name in shown.classes]
    described = []
    for axes, image, before, after, truth in zip(
        all_axes, shown.images, shown.before, shown.after, shown.truth, strict=True
    ):
        axes.imshow(image)
        axes.set_axis_off()
        axes.set_title(
            f"{names[before]} → {names[after]}",
            fontsize=8,
            color=BLUE if after == truth else VERMILLION if before == truth else INK,
        )
        described.append(f"{names[truth]}: {names[before]} becomes {names[after]}")
    return Picture(
        "Images whose answer changes",
        f"The label by {method}, before the first step and after the last. Blue: it becomes right; "
        "vermillion: it was right; black: neither is.",
        f"Images. {'; '.join(described)}.",
        figure,
    )


def choose(before: np.ndarray, after: np.ndarray, truth: np.ndarray, most: int) -> np.ndarray:
    """Positions of images whose label changes: corrected, spoilt and others by turns.

    Args:
        before: labels before the first step, int [n].
        after: labels after the last, int [n].
        truth: true labels, int [n].
        most: number of images at most.
    """
    changed = np.flatnonzero(before != after)
    kind = np.where(after == truth, 0, np.where(before == truth, 1, 2))[changed]
    rank = np.empty(len(changed), int)
    for each in range(3):
        members = kind == each
        rank[members] = np.arange(members.sum())
    return changed[np.lexsort((kind, rank))][:most]
