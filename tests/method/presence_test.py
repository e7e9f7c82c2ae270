"""Masked means, compared with NumPy's masked arrays."""

import numpy as np
import pytest

from sib_tf.method.presence import masked_mean

X = np.random.default_rng(0).normal(size=(2, 4, 3, 5))


@pytest.mark.parametrize("axis", [1, [1, 2], [1, 3]])
@pytest.mark.parametrize("shape", [(2, 4, 3, 5), (2, 4, 1, 1), (2, 1, 3, 1), (1, 4, 3, 1)])
def test_only_what_is_present_counts(axis, shape):
    present = np.random.default_rng(1).random(shape) < 0.6
    x = np.where(present, X, np.nan)
    absent = ~np.broadcast_to(present, X.shape)
    axes = tuple(axis) if isinstance(axis, list) else axis
    expected = np.ma.masked_array(X, absent).mean(axes, keepdims=True).filled(0)
    np.testing.assert_allclose(masked_mean(x, axis, present), expected, atol=1e-12)


def test_without_a_mask_everything_counts():
    found = masked_mean(X, [1, 2], None)
    np.testing.assert_allclose(found, X.mean((1, 2), keepdims=True), atol=1e-12)
