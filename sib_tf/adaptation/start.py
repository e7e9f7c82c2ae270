"""What pre-training learns besides phi: the classifier of the labelled domains, to start from."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sib_tf.base.atomic import written_file
from sib_tf.base.registry import Registry

FILE = "start.npz"


class Start(NamedTuple):
    """Where the method starts from.

    Attributes:
        theta: weights of the classes, float32 [N, D].
        turns: V, see `rotation.turn_logits`, float32 [4, D].
        scale: scale of the cosine classifier, float32 scalar.
        bias: its bias, float32 scalar.
        means: mean unit features of the classes of each domain, float32 [M, N, D].
    """

    theta: np.ndarray
    turns: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    means: np.ndarray

    @property
    def anchors(self) -> np.ndarray:
        """The mean features of the classes, all domains alike, float32 [N, D]."""
        return np.nanmean(self.means, axis=0)


# What lambda is at first: Start -> float32 [N, D].
STARTS: Registry[Callable[[Start], np.ndarray]] = Registry("start")
STARTS["classifier"] = lambda start: start.theta
STARTS["class_means"] = lambda start: start.anchors


def write(folder: Path, start: Start) -> None:
    """Writes `start.npz` into the folder of a pre-training."""
    with written_file(folder / FILE) as beside:
        np.savez(beside, **start._asdict())


def read(folder: Path) -> Start:
    """Reads what `write` has written."""
    with np.load(folder / FILE) as arrays:
        return Start(**arrays)


def class_means(
    features: np.ndarray, labels: np.ndarray, domains: np.ndarray, num_classes: int
) -> np.ndarray:
    """Mean unit features of each class in each domain.

    Args:
        features: float32 [n, D].
        labels: int [n], 0 .. N-1.
        domains: int [n], 0 .. M-1.
        num_classes: N.

    Returns:
        float32 [M, N, D]; NaN for a class that a domain does not have.
    """
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    return np.stack(
        [
            [unit[(domains == m) & (labels == n)].mean(axis=0) for n in range(num_classes)]
            for m in range(domains.max() + 1)
        ]
    )
