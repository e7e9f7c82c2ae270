"""Which images of which domain a minibatch consists of: a function of the seed and its number."""

import abc
import dataclasses
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sib_tf.base.errors import UserError


class Minibatch(NamedTuple):
    """A task: images of one domain.

    Attributes:
        index: number of the minibatch, from 0.
        domain: number of the domain.
        ids: positions of the images in the split of the domain, int64 [Q].
        labels: labels of the images, int64 [Q].
    """

    index: int
    domain: int
    ids: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Minibatches(abc.ABC):
    """A way to make minibatches of the images of some domains.

    Attributes:
        images: Q, images of a minibatch.
    """

    images: int

    @abc.abstractmethod
    def count(self, sizes: Sequence[int]) -> int:
        """How many minibatches there are of domains with so many images each."""

    @abc.abstractmethod
    def largest(self, sizes: Sequence[int]) -> int:
        """Images of the largest minibatch."""

    @abc.abstractmethod
    def members(
        self, sizes: Sequence[int], index: int, *, seed: int, stream: str
    ) -> tuple[int, np.ndarray]:
        """Domain and positions, int64 [Q], of the images of a minibatch.

        Args:
            sizes: number of images of each domain.
            index: number of the minibatch, from 0.
            seed: seed of the draws.
            stream: keeps, say, "train" and "test" independent under one seed.
        """

    def minibatch(
        self, labels: Sequence[np.ndarray], index: int, *, seed: int, stream: str
    ) -> Minibatch:
        """A minibatch with its labels; `labels` are those of the images of each domain."""
        sizes = [len(of_domain) for of_domain in labels]
        domain, ids = self.members(sizes, index, seed=seed, stream=stream)
        return Minibatch(index, domain, ids, labels[domain][ids])


@dataclasses.dataclass(frozen=True)
class Drawn(Minibatches):
    """Minibatches for training: the domains in turn, images without replacement in each.

    Attributes:
        number: number of minibatches.
    """

    number: int

    def count(self, sizes: Sequence[int]) -> int:
        """The number, whatever the domains."""
        del sizes
        return self.number

    def largest(self, sizes: Sequence[int]) -> int:
        """Q: all are as large."""
        del sizes
        return self.images

    def members(
        self, sizes: Sequence[int], index: int, *, seed: int, stream: str
    ) -> tuple[int, np.ndarray]:
        """Domain and images of minibatch `index`."""
        domain = index % len(sizes)
        rng = np.random.default_rng([seed, zlib.crc32(stream.encode()), index])
        return domain, rng.choice(sizes[domain], size=self.images, replace=False)


class Divided(Minibatches):
    """Minibatches for evaluation: each domain is shuffled and divided, each image is in one.

    Those of a domain differ by one image at most, and have Q or a few more. A domain of fewer
    than Q images is one minibatch.
    """

    def count(self, sizes: Sequence[int]) -> int:
        """As many minibatches of Q as each domain can give."""
        return sum(map(self._parts, sizes))

    def largest(self, sizes: Sequence[int]) -> int:
        """Images of the largest minibatch."""
        return max(-(-size // self._parts(size)) for size in sizes)

    def members(
        self, sizes: Sequence[int], index: int, *, seed: int, stream: str
    ) -> tuple[int, np.ndarray]:
        """Domain and images of minibatch `index`."""
        domain, part = 0, index
        while part >= self._parts(sizes[domain]):
            part -= self._parts(sizes[domain])
            domain += 1
        rng = np.random.default_rng([seed, zlib.crc32(stream.encode()), domain])
        order = rng.permutation(sizes[domain])
        return domain, np.array_split(order, self._parts(len(order)))[part]

    def _parts(self, size: int) -> int:
        return max(1, size // self.images)


def refuse_small_domain(sizes: Sequence[int], splits: Sequence[str], images: int) -> None:
    """Refuses minibatches that are larger than a domain.

    Args:
        sizes: number of images of each split.
        splits: names of the splits.
        images: Q.

    Raises:
        UserError: names the split.
    """
    for size, split in zip(sizes, splits, strict=True):
        if size < images:
            raise UserError(
                f"config.minibatches.images={images} is more than the {size} images of {split}: "
                "lower it."
            )
