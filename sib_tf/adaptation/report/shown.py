"""What the pictures of images and features are drawn from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Shown(NamedTuple):
    """Some images of the target whose label changes, and features of images of all domains.

    Attributes:
        classes: names of the classes, by label.
        images: images whose label changes, uint8 [m, H, W, 3].
        before: their labels at K = 0, int [m].
        after: their labels at the K of training, int [m].
        truth: their true labels, int [m].
        domains: names of the domains, the target last.
        domain_of: number of the domain of each point, int [p].
        features: features of the points by phi, and the same with BatchNorm statistics of the
            target for its images, two of float32 [p, D].
    """

    classes: Sequence[str]
    images: np.ndarray
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray
    domains: Sequence[str]
    domain_of: np.ndarray
    features: tuple[np.ndarray, np.ndarray]
