"""The paper's zero-shot regression: lines through the origin whose slope the inputs give away.

A task draws its inputs, then its slope near their mean, then the labels, which nobody is shown:

    x_i ~ N(mu, sigma^2), i = 1 .. n;    w = mean(x) + e,  e ~ N(mu_w, sigma_w^2);    y_i = w x_i

There is no support set. What can be known of w without a label is known in closed form, so that one
can see how near meta-learning comes.

Source: section 4.1 of the paper.
"""

import dataclasses
import zlib
from typing import NamedTuple

import numpy as np

from sib_tf.base.ranges import at_least, finite, positive


@dataclasses.dataclass(frozen=True)
class LineFamily:
    """All tasks of these constants.

    Attributes:
        num_points: n, number of inputs of a task.
        mu: mean of the inputs.
        sigma: standard deviation of the inputs.
        mu_w: mean of e, the slope less the mean input.
        sigma_w: standard deviation of e, and of the variational posterior.

    Raises:
        UserError: if a number is out of range.
    """

    num_points: int = 32
    mu: float = 0.0
    sigma: float = 1.0
    mu_w: float = 1.0
    sigma_w: float = 0.1

    def __post_init__(self) -> None:
        at_least(1, num_points=self.num_points)
        finite(mu=self.mu, mu_w=self.mu_w)
        positive(sigma=self.sigma, sigma_w=self.sigma_w)


class Lines(NamedTuple):
    """T tasks of a family: inputs x, float32 [T, n], and slopes w, float32 [T]."""

    family: LineFamily
    x: np.ndarray
    w: np.ndarray

    @property
    def y(self) -> np.ndarray:
        """The labels, float32 [T, n]."""
        return self.w[:, np.newaxis] * self.x


class Normal(NamedTuple):
    """Normal distribution N(mean, std^2); numbers or arrays."""

    mean: np.ndarray | float
    std: np.ndarray | float

    def density(self, at: np.ndarray) -> np.ndarray:
        """Density of the distribution."""
        z = (at - self.mean) / self.std
        return np.exp(-0.5 * np.square(z)) / (self.std * np.sqrt(2 * np.pi))


def sample(family: LineFamily, *, seed: int, stream: str, count: int) -> Lines:
    """Draws tasks.

    Args:
        family: family of the tasks.
        seed: seed of the draws.
        stream: keeps the tasks of "train" and "test" independent under one seed.
        count: T.
    """
    rng = np.random.default_rng([seed, zlib.crc32(stream.encode())])
    x = rng.normal(family.mu, family.sigma, (count, family.num_points))
    w = x.mean(axis=1) + rng.normal(family.mu_w, family.sigma_w, count)
    return Lines(family, x.astype(np.float32), w.astype(np.float32))


def prior(family: LineFamily) -> Normal:
    """p(w), what is known of a slope before the inputs are seen.

    The mean of n inputs has the variance sigma^2 / n, to which that of e adds up.
    """
    return Normal(
        family.mu + family.mu_w,
        np.sqrt(family.sigma**2 / family.num_points + family.sigma_w**2),
    )


def posterior(family: LineFamily, x: np.ndarray) -> Normal:
    """p(w | task), what is known of the slopes when the inputs [T, n] are: means [T]."""
    return Normal(x.mean(axis=-1) + family.mu_w, family.sigma_w)


def kl(q: Normal, p: Normal) -> np.ndarray | float:
    """KL(q || p) of two normal distributions, in nats."""
    variances = (np.square(q.std) + np.square(q.mean - p.mean)) / (2 * np.square(p.std))
    return np.log(p.std / q.std) + variances - 0.5


def kl_of_best_constant(family: LineFamily) -> float:
    """Mean over tasks of KL(N(theta, sigma_w^2) || p(w | task)) for the best theta of all tasks.

    That is theta = mu + mu_w, whose square distance to the mean of p(w | task) is on average the
    variance of the mean input, sigma^2 / n; over 2 sigma_w^2 it is the KL. K = 0 cannot do
    better. The floor, theta = mean(x) + mu_w, is 0.
    """
    return family.sigma**2 / (2 * family.num_points * family.sigma_w**2)
