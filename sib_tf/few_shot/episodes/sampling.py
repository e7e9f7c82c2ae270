"""Draws episodes. Episode i depends on the seed, the stream and i, and on nothing else."""

import dataclasses
import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, positive
from sib_tf.few_shot.episodes.query_shares import QUERY_SHARES


@dataclasses.dataclass(frozen=True)
class EpisodeSpec:
    """What an episode looks like.

    Attributes:
        way: N, number of classes.
        shot: number of labelled examples of each class; S = way * shot. The support set is always
            balanced.
        queries: Q, number of unlabelled examples in all.
        shares: name in `QUERY_SHARES`: how the queries are shared by the classes. "balanced":
            counts differ by one at most. "dirichlet": each query belongs to class n with
            probability p_n, p ~ Dirichlet(alpha, ..., alpha) anew for each episode, so that a class
            may have no query. "mixture": one or the other, by the toss of a coin for each episode.
            "varied": a mixture with fewer balanced ones where queries are few. "natural": all
            examples beside the support are equally likely, as in a pile of images of these classes.
        alpha: concentration of the Dirichlet distribution; the smaller, the less balanced.

    Raises:
        UserError: if a number is out of range, or the shares are unknown.
    """

    way: int
    shot: int
    queries: int
    shares: str = "balanced"
    alpha: float = 2.0

    def __post_init__(self) -> None:
        at_least(2, way=self.way)
        at_least(1, shot=self.shot, queries=self.queries)
        QUERY_SHARES[self.shares]
        positive(dirichlet_alpha=self.alpha)

    @property
    def largest(self) -> "EpisodeSpec":
        """The largest size, of one that varies."""
        return self

    def spec(self, smallest: int, *, seed: int, stream: str, index: int) -> "EpisodeSpec":
        """The same for all episodes; see `varied.VariedEpisodes.spec`."""
        del smallest, seed, stream, index
        return self

    @property
    def needed_of_a_class(self) -> int:
        """Examples that every class must have, for its support and its queries."""
        return self.shot + math.ceil(QUERY_SHARES[self.shares].room * self.queries / self.way)


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
    if len(groups) < spec.largest.way:
        raise UserError(
            f"The {split} split has {len(groups)} classes, an episode needs "
            f"config.episodes.way={spec.largest.way}: add classes, or lower it."
        )
    needed = spec.needed_of_a_class
    small = [label for label, examples in groups.items() if len(examples) < needed]
    if small:
        more = f" (the first of {len(small)} such classes)" if len(small) > 1 else ""
        raise UserError(
            f'Class "{class_names[small[0]]}" of the {split} split has {len(groups[small[0]])} '
            f"images{more}, an episode needs {needed} of each class for its support and its "
            "queries: add images, or lower config.episodes.shot or "
            "config.episodes.queries_per_class (config.episodes.queries or config.meta.shots where "
            "it is set)."
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

    Raises:
        UserError: if classes have too few examples for the queries that are drawn of them.
    """
    rng = np.random.default_rng([seed, zlib.crc32(stream.encode()), index])
    classes = rng.choice(sorted(groups), size=spec.way, replace=False)
    capacity = np.array([len(groups[label]) for label in classes]) - spec.shot
    queries = QUERY_SHARES[spec.shares].counts(rng, spec.queries, capacity, spec.alpha)
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
