"""What the pictures of single tasks are drawn from."""

from typing import NamedTuple

import numpy as np

from sib_tf.regression.tasks import Lines


class Shown(NamedTuple):
    """A few unseen tasks and what the steps make of their slopes.

    Attributes:
        lines: T tasks.
        slopes: slopes theta^0 .. theta^K of the tasks, float [K+1, T].
    """

    lines: Lines
    slopes: np.ndarray
