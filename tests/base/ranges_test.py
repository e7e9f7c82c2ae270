import math

import pytest

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, finite, positive


def test_numbers_in_range_pass():
    at_least(1, epochs=1, batch_size=10**9)
    finite(mu=-1e30)
    positive(step_size=1e-30)


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
def test_values_below_the_minimum_are_refused(value):
    with pytest.raises(UserError, match=rf"^epochs={value} must be at least 1 and finite\.$"):
        at_least(1, steps=3, epochs=value)
    with pytest.raises(UserError, match=rf"^eta={value} must be positive and finite\.$"):
        positive(eta=value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_non_finite_values_are_refused(value):
    with pytest.raises(UserError, match=rf"^mu={value} must be finite\.$"):
        finite(mu=value)
