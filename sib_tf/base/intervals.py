"""95 % intervals, of shares that were counted and of means."""

import statistics
from collections.abc import Sequence

import numpy as np

Z_95 = 1.96  # half width of a 95 % interval, in standard errors


def mean_of_independent(figures: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The mean of independent figures, and its half width: their variances add.

    Args:
        figures: each with the half width of its interval.
    """
    values, half_widths = zip(*figures, strict=True)
    return statistics.mean(values), sum(width**2 for width in half_widths) ** 0.5 / len(values)


def wilson(right: int, total: int) -> tuple[float, float]:
    """Ends of the interval of a share (Wilson, 1927).

    Unlike the mean plus and minus two standard errors, it lies within 0 and 1, and is not empty
    where all or none are right.

    Args:
        right: how many are right.
        total: of how many, 1 or more.
    """
    square = Z_95**2
    centre = (right + square / 2) / (total + square)
    variance = right * (total - right) / total + square / 4
    half_width = Z_95 * variance**0.5 / (total + square)
    return max(0.0, centre - half_width), min(1.0, centre + half_width)


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """How much larger the first of two shares of the same cases is, and the half width.

    After Agresti and Min (2005): half a case is added to each of the four outcomes of a pair, so
    that a few cases on which the two disagree prove nothing.

    Args:
        first: whether the first is right, bool [n].
        second: whether the second is right, bool [n].
    """
    total = len(first) + 2
    gained, lost = np.sum(first & ~second) + 0.5, np.sum(second & ~first) + 0.5
    difference = (gained - lost) / total
    variance = ((gained + lost) / total - difference**2) / total
    return float(difference), float(Z_95 * variance**0.5)
