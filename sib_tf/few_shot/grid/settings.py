"""Section `config.grid`: which settings there are, and what is evaluated in them."""

import dataclasses
import itertools
from collections.abc import Iterator

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least
from sib_tf.few_shot.episodes.query_shares import QUERY_SHARES
from sib_tf.few_shot.episodes.sampling import EpisodeSpec
from sib_tf.few_shot.methods.registry import METHODS

_MANY = 75  # queries: above, an episode says more and takes longer
_COSTLY_WAY = 5  # the most classes for methods that take a thousand steps


@dataclasses.dataclass(frozen=True)
class GridSettings:
    """Every combination of ways, shots, queries and query shares is a cell of the grid.

    Attributes:
        ways: numbers of classes; none, and there is no grid.
        shots: numbers of labelled examples of each class.
        queries: numbers of queries in all.
        query_shares: names in `QUERY_SHARES`.
        methods: names in `METHODS`. Costly ones run for 5 classes and 75 queries at most.
        episodes: episodes of a cell with up to 75 queries.
        large_episodes: episodes of a cell with more.
        dirichlet_alpha: concentration of the Dirichlet distribution of unbalanced query shares.

    Raises:
        UserError: if a number is out of range, shares or a method are unknown, or there is nothing
            to compare the trained model with.
    """

    ways: tuple[int, ...] = ()
    shots: tuple[int, ...] = (1, 5)
    queries: tuple[int, ...] = (1, 2, 5, 15, 75, 300, 1500)
    query_shares: tuple[str, ...] = ("balanced", "dirichlet")
    methods: tuple[str, ...] = ("prototypes", "sib")
    episodes: int = 2000
    large_episodes: int = 600
    dirichlet_alpha: float = 2.0

    def __post_init__(self) -> None:
        at_least(1, episodes=self.episodes, large_episodes=self.large_episodes)
        kinds = {METHODS[name].iterative for name in self.methods}
        if self.methods and kinds != {False, True}:
            raise UserError(
                f"methods={list(self.methods)} lacks the trained model or another method: add "
                '"sib" or "prototypes".'
            )
        for name in self.query_shares:
            QUERY_SHARES[name]
        for name in ("shots", "queries", "query_shares", "methods"):
            if not getattr(self, name):
                raise UserError(f"{name} is empty: name one at least, or leave out ways.")
        list(self.cells())

    def cells(self) -> Iterator["Cell"]:
        """All cells."""
        for way, shot, queries, shares in itertools.product(
            self.ways, self.shots, self.queries, self.query_shares
        ):
            large = queries > _MANY
            yield Cell(
                spec=EpisodeSpec(way, shot, queries, shares, self.dirichlet_alpha),
                count=self.large_episodes if large else self.episodes,
                methods=tuple(
                    name
                    for name in self.methods
                    if not METHODS[name].costly or (way <= _COSTLY_WAY and not large)
                ),
            )


@dataclasses.dataclass(frozen=True)
class Cell:
    """One setting of the grid.

    Attributes:
        spec: what its episodes look like.
        count: number of its episodes.
        methods: names in `METHODS` of what is evaluated on them.
    """

    spec: EpisodeSpec
    count: int
    methods: tuple[str, ...]

    @property
    def stream(self) -> str:
        """The name under which its episodes are drawn."""
        spec = self.spec
        return f"grid {spec.way} {spec.shot} {spec.queries} {spec.shares}"

    def __str__(self) -> str:
        spec = self.spec
        return f"{spec.way}-way {spec.shot}-shot, {spec.queries} {spec.shares} queries"
