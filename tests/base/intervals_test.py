"""Intervals of shares, against values worked out by hand."""

import numpy as np
import pytest

from sib_tf.base.intervals import mean_of_independent, paired_difference, wilson


def test_independent_figures_have_a_mean_whose_variance_is_theirs():
    assert mean_of_independent([(0.5, 0.03), (0.7, 0.04)]) == pytest.approx((0.6, 0.025))


@pytest.mark.parametrize(
    ("right", "total", "ends"),
    [
        # (8 + 1.9208 -+ 1.96 sqrt(1.6 + 0.9604)) / 13.8416
        (8, 10, (0.49016, 0.94332)),
        (0, 10, (0, 3.8416 / 13.8416)),
        (10, 10, (10 / 13.8416, 1)),
    ],
)
def test_wilson(right, total, ends):
    assert wilson(right, total) == pytest.approx(ends, abs=1e-5)


def right(indices, total):
    return np.isin(np.arange(total), indices)


def test_the_difference_counts_what_one_gets_right_and_the_other_not():
    # 4.5 and 0.5 of 37: difference 4 / 37, variance (5 / 37 - (4 / 37)**2) / 37
    first, second = np.ones(35, bool), ~right([0, 1, 2, 3], 35)
    expected = (0.108108, 0.113213)
    assert paired_difference(first, second) == pytest.approx(expected, abs=1e-5)
    assert paired_difference(second, first)[0] == pytest.approx(-expected[0], abs=1e-5)


def test_where_both_agree_the_difference_is_0_with_an_interval():
    difference, half_width = paired_difference(right([1], 3), right([1], 3))
    assert difference == 0
    assert half_width == pytest.approx(1.96 * (1 / 5 / 5) ** 0.5)
