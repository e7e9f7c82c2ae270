"""Episodes of many sizes, for a head that is to serve all of them."""

import dataclasses
import math
import zlib
from collections.abc import Sequence

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.few_shot.episodes.sampling import EpisodeSpec

# Consecutive episodes of similar size, which one XLA program can train on without much padding.
BLOCK = 100
_RATIO = 4  # of the largest to the smallest size that are similar
_LEVELS = {"way": 2, "queries": 5}

Range = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class VariedEpisodes:
    """What episodes of many sizes look like: an `EpisodeSpec` for each number.

    Way, shot and queries are spread evenly over their logarithms. Queries are fewer where classes
    have few images, so that unequal shares can be drawn: at most half of what all classes hold.

    Attributes:
        way: smallest and largest N.
        shot: smallest and largest number of labelled examples of each class.
        queries: smallest and largest Q.
        shares: shares of the classes in the queries, as in `EpisodeSpec`.
        alpha: concentration of the Dirichlet distribution.

    Raises:
        UserError: if a range is empty or out of range, or the shares are unknown.
    """

    way: Range
    shot: Range
    queries: Range
    shares: str = "mixture"
    alpha: float = 2.0

    def __post_init__(self) -> None:
        for name, least in (("way", 2), ("shot", 1), ("queries", 1)):
            low, high = getattr(self, name)
            if not least <= low <= high:
                raise UserError(
                    f"{name}=({low}, {high}) must rise from {least} or more: give the smallest and "
                    "the largest."
                )
        _ = self.largest  # refuses the shares and the concentration

    @property
    def largest(self) -> EpisodeSpec:
        """An episode of the largest way, shot and queries."""
        return EpisodeSpec(self.way[1], self.shot[1], self.queries[1], self.shares, self.alpha)

    @property
    def needed_of_a_class(self) -> int:
        """Examples that every class must have: the largest support, and two queries."""
        return self.shot[1] + 2

    def spec(self, smallest: int, *, seed: int, stream: str, index: int) -> EpisodeSpec:
        """The size of episode `index` of a stream.

        Args:
            smallest: examples of the smallest class.
            seed: seed of the draws.
            stream: keeps, say, "train" and "test" independent under one seed.
            index: number of the episode, from 0.
        """
        key = [seed, zlib.crc32(f"{stream} sizes".encode())]
        block = np.random.default_rng([*key, index // BLOCK])
        similar = {name: _similar(getattr(self, name), name, block) for name in _LEVELS}
        rng = np.random.default_rng([*key, index // BLOCK, index % BLOCK])
        way, shot = _log_uniform(similar["way"], rng), _log_uniform(self.shot, rng)
        most = max(1, way * (smallest - shot) // 2)
        queries = min(_log_uniform(similar["queries"], rng), most)
        return EpisodeSpec(way, shot, queries, self.shares, self.alpha)


def levels(largest: int, name: str) -> list[int]:
    """The rising sizes to which episodes are filled up, the last of them `largest`.

    Args:
        largest: largest size of all.
        name: "way" or "queries".
    """
    return sorted({math.ceil(largest / _RATIO**n) for n in range(_LEVELS[name])})


def level_of(size: int, levels: Sequence[int]) -> int:
    """The smallest level that holds a size."""
    return next(level for level in levels if size <= level)


def _similar(size_range: Range, name: str, rng: np.random.Generator) -> Range:
    """Those sizes that share a level with one that is drawn."""
    low, high = size_range
    bounds = levels(high, name)
    level = level_of(_log_uniform(size_range, rng), bounds)
    below = [bound for bound in bounds if bound < level]
    return max(low, below[-1] + 1 if below else low), level


def _log_uniform(size_range: Range, rng: np.random.Generator) -> int:
    """An integer of the range, both ends included, evenly over the logarithm."""
    low, high = size_range
    return min(high, int(np.exp(rng.uniform(np.log(low), np.log(high + 1)))))
