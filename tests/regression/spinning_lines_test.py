"""The tasks of the zero-shot regression, and their closed-form properties."""

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.regression.tasks import (
    LineFamily,
    Lines,
    Normal,
    kl,
    kl_of_best_constant,
    posterior,
    prior,
    sample,
)

FAMILY = LineFamily(num_points=4, mu=2.0, sigma=3.0, mu_w=-1.0, sigma_w=0.5)


def test_labels_are_slope_times_input():
    lines = Lines(FAMILY, np.float32([[1, 2], [3, -4]]), np.float32([10, 0.5]))
    np.testing.assert_array_equal(lines.y, [[10, 20], [1.5, -2]])


def test_tasks_have_the_moments_of_their_family():
    family, x, w = sample(FAMILY, seed=0, stream="train", count=40_000)
    assert family == FAMILY
    assert x.shape == (40_000, 4)
    # Standard errors: 3 / sqrt(160,000) = 0.0075 and 0.5 / sqrt(40,000) = 0.0025.
    assert x.mean() == pytest.approx(2, abs=0.04)
    assert x.std() == pytest.approx(3, abs=0.04)
    e = w - x.mean(axis=1)
    assert e.mean() == pytest.approx(-1, abs=0.0125)
    assert e.std() == pytest.approx(0.5, abs=0.0125)
    assert abs(np.corrcoef(e, x.mean(axis=1))[0, 1]) < 0.025
    # p(w): 2 - 1 = 1 and sqrt(9 / 4 + 1 / 4) = sqrt(2.5).
    assert prior(FAMILY) == (1.0, pytest.approx(np.sqrt(2.5)))
    assert w.mean() == pytest.approx(1, abs=0.04)
    assert w.std() == pytest.approx(np.sqrt(2.5), abs=0.04)


def test_tasks_depend_only_on_seed_and_stream():
    one = sample(FAMILY, seed=1, stream="train", count=3)
    again = sample(FAMILY, seed=1, stream="train", count=3)
    np.testing.assert_array_equal(one.x, again.x)
    np.testing.assert_array_equal(one.w, again.w)
    for seed, stream in ((1, "test"), (2, "train")):
        other = sample(FAMILY, seed=seed, stream=stream, count=3)
        assert not np.isin(other.x, one.x).any()


def test_the_posterior_is_centred_at_the_mean_input_plus_mu_w():
    mean, std = posterior(FAMILY, np.array([[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(mean, [2.0, -1.0])  # (1 + 2 + 3 + 6) / 4 - 1
    assert std == 0.5


def test_the_posterior_is_the_distribution_of_slopes_given_the_inputs():
    _, x, w = sample(FAMILY, seed=3, stream="test", count=20_000)
    z = (w - posterior(FAMILY, x).mean) / posterior(FAMILY, x).std
    assert z.mean() == pytest.approx(0, abs=0.04)
    assert z.std() == pytest.approx(1, abs=0.03)


def test_kl_of_normal_distributions():
    # By hand: log(2 / 1) + (1 + 3^2) / (2 * 4) - 1/2 = 0.6931 + 1.25 - 0.5.
    assert kl(Normal(0.0, 1.0), Normal(3.0, 2.0)) == pytest.approx(1.4431, abs=1e-4)
    # Of equal width: d^2 / (2 s^2).
    assert kl(Normal(0.3, 0.1), Normal(0.5, 0.1)) == pytest.approx(2.0)
    assert kl(Normal(0.3, 0.1), Normal(0.3, 0.1)) == pytest.approx(0.0)


def test_kl_is_the_integral_that_defines_it():
    q, p = Normal(0.2, 0.7), Normal(-0.5, 1.1)
    w = np.linspace(-10, 10, 200_001)
    integrand = q.density(w) * np.log(q.density(w) / p.density(w))
    assert kl(q, p) == pytest.approx(np.trapezoid(integrand, w), rel=1e-6)


def test_the_best_constant_slope():
    # 1 / (2 * 32 * 0.01)
    assert kl_of_best_constant(LineFamily()) == pytest.approx(1.5625)
    x = sample(FAMILY, seed=0, stream="test", count=40_000).x

    def mean_kl(theta):
        return kl(Normal(theta, FAMILY.sigma_w), posterior(FAMILY, x)).mean()

    # 9 / (2 * 4 * 0.25) = 4.5 at theta = mu + mu_w = 1, more to both sides
    assert kl_of_best_constant(FAMILY) == pytest.approx(4.5)
    assert mean_kl(1.0) == pytest.approx(4.5, rel=0.03)
    assert mean_kl(1.0) < min(mean_kl(0.8), mean_kl(1.2))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"num_points": 0}, r"^num_points=0 must be at least 1"),
        ({"sigma": 0.0}, r"^sigma=0\.0 must be positive"),
        ({"sigma_w": -1.0}, r"^sigma_w=-1\.0 must be positive"),
        ({"mu": float("nan")}, r"^mu=nan must be finite"),
        ({"mu_w": float("-inf")}, r"^mu_w=-inf must be finite"),
    ],
)
def test_constants_out_of_range_are_refused(fields, words):
    with pytest.raises(UserError, match=words):
        LineFamily(**fields)
