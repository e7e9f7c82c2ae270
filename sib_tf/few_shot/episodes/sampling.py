"""Draws episodes. Episode i depends on the seed, the stream and i, and on nothing else."""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, positive

QUERY_SHARES = ("balanced", "dirichlet", "mixture")


@dataclasses.dataclass(frozen=True)
class EpisodeSpec:
    """What an episode looks like.

    Attributes:
        way: N, number of classes.
        shot: number of labelled examples of each class; S = way * shot. The support set is always
            balanced.
        queries: Q, number of unlabelled examples in all.
        shares: shares of the classes in the queries. "balanced": equal ones. "dirichlet": each
            query belongs to class n with probability p_n, p ~ Dirichlet(alpha, ..., alpha) anew for
            each episode, so that a class may have no query. "mixture": one or the other, by the
            toss of a coin for each episode.
        alpha: concentration of the Dirichlet distribution; the smaller, the less balanced.

    Raises:
        UserError: if a number is out of range, or Q is not a multiple of the way where shares are
            equal.
    """

    way: int
    shot: int
    queries: int
    shares: str = "balanced"
    alpha: float = 2.0

    def __post_init__(self) -> None:
        at_least(2, way=self.way)
        at_least(1, shot=self.shot, queries=self.queries)
        if self.shares not in QUERY_SHARES:
            known = " or ".join(f'"{shares}"' for shares in QUERY_SHARES)
            raise UserError(f'shares="{self.shares}" is unknown: use {known}.')
        if self.shares != "dirichlet" and self.queries % self.way:
            raise UserError(
                f"queries={self.queries} cannot be shared equally by way={self.way} classes: make "
                "it a multiple."
            )
        positive(dirichlet_alpha=self.alpha)

    @property
    def most_of_a_class(self) -> int:
        """The largest number of examples, support and queries, that one class can have to give."""
        return self.shot + (self.queries // self.way if self.shares == "balanced" else self.queries)


@dataclasses.dataclass(frozen=True)
class Episode:
    """One episode, by the positions of its examples in their split.

    Attributes:
        index: number of the episode, counted from 0.
        classes: labels of the classes in the data set, int64 [N]; episode label n stands for
            classes[n].
        support_ids: positions of the support examples, int64 [S].
        support_labels: labels of the support examples, int64 [S], 0 .. N-1.
        query_ids: positions of the query examples, int64 [Q], in random order.
        query_labels: labels of the query examples, int64 [Q], 0 .. N-1.
    """

    index: int
    classes: np.ndarray
    support_ids: np.ndarray
    support_labels: np.ndarray
    query_ids: np.ndarray
    query_labels: np.ndarray


def examples_by_class(
    labels: np.ndarray, spec: EpisodeSpec, class_names: Sequence[str], split: str
) -> dict[int, np.ndarray]:
    """Positions of the examples of each class of a split, checked to suffice for `spec`.

    Args:
        labels: int [n], the labels of a split.
        spec: what an episode looks like.
        class_names: name of each label, for messages.
        split: its name, for messages.

    Raises:
        UserError: if there are too few classes, or a class has too few examples; names it.
    """
    sizes = np.bincount(labels)
    classes = np.flatnonzero(sizes)
    positions = np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes[classes])[:-1])
    groups = dict(zip(classes.tolist(), positions, strict=True))
    if len(groups) < spec.way:
        raise UserError(
            f"The {split} split has {len(groups)} classes, an episode needs "
            f"config.episodes.way={spec.way}: add classes, or lower it."
        )
    needed = spec.most_of_a_class
    small = [label for label, examples in groups.items() if len(examples) < needed]
    if small:
        more = f" (the first of {len(small)} such classes)" if len(small) > 1 else ""
        raise UserError(
            f'Class "{class_names[small[0]]}" of the {split} split has {len(groups[small[0]])} '
            f"images{more}, but shot + queries of a class can reach {needed} with "
            f'"{spec.shares}" shares: add images, or lower config.episodes.shot or '
            "config.episodes.queries_per_class (config.episodes.queries where it is set)."
        )
    return groups


def sample(
    groups: Mapping[int, np.ndarray], spec: EpisodeSpec, *, seed: int, stream: str, index: int
) -> Episode:
    """Draws episode `index` of a stream.

    Args:
        groups: label -> positions of its examples, see `examples_by_class`.
        spec: what the episode looks like.
        seed: seed of the draws.
        stream: keeps the episodes of, say, "train" and "test" independent under one seed.
        index: number of the episode, from 0.
    """
    rng = np.random.default_rng([seed, zlib.crc32(stream.encode()), index])
    classes = rng.choice(sorted(groups), size=spec.way, replace=False)
    queries = _queries_per_class(spec, rng)
    drawn = [
        rng.choice(groups[label], size=spec.shot + count, replace=False)
        for label, count in zip(classes, queries, strict=True)
    ]
    query_ids = np.concatenate([ids[spec.shot :] for ids in drawn])
    query_labels = np.repeat(np.arange(spec.way), queries)
    # Without this the position of a query would tell its label.
    order = rng.permutation(spec.queries)
    return Episode(
        index=index,
        classes=classes,
        support_ids=np.concatenate([ids[: spec.shot] for ids in drawn]),
        support_labels=np.repeat(np.arange(spec.way), spec.shot),
        query_ids=query_ids[order],
        query_labels=query_labels[order],
    )


def _queries_per_class(spec: EpisodeSpec, rng: np.random.Generator) -> np.ndarray:
    balanced = spec.shares == "balanced" or (spec.shares == "mixture" and rng.random() < 0.5)
    if balanced:
        return np.full(spec.way, spec.queries // spec.way)
    return rng.multinomial(spec.queries, rng.dirichlet(np.full(spec.way, spec.alpha)))
