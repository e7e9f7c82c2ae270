"""How many queries of an episode belong to each of its classes."""

import dataclasses
from collections.abc import Callable

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.base.registry import Registry

_TRIES = 1000
_FEW = 30  # queries


@dataclasses.dataclass(frozen=True)
class QueryShares:
    """A distribution of the numbers of queries of N classes.

    Attributes:
        title: adjective in reports and tables: `title` queries.
        draw: callable: (random generator, Q, examples that each class has for queries, int [N],
            alpha) -> queries of each class, int64 [N], which sum to Q.
        room: examples that every class must have for queries, in even shares, Q / N. Where counts
            vary, more than 1, or nearly all draws would ask too much of a class.
    """

    title: str
    draw: Callable[[np.random.Generator, int, np.ndarray, float], np.ndarray]
    room: float = 1.5

    def counts(
        self, rng: np.random.Generator, queries: int, capacity: np.ndarray, alpha: float
    ) -> np.ndarray:
        """Draws the number of queries of each class; draws again what a class cannot give.

        Args:
            rng: random generator of the episode.
            queries: Q, queries in all.
            capacity: examples that each class has for queries, int [N].
            alpha: concentration of a Dirichlet distribution.

        Returns:
            int64 [N], at most `capacity`; the sum is Q.

        Raises:
            UserError: if a thousand draws asked too much of a class.
        """
        for _ in range(_TRIES):
            drawn = self.draw(rng, queries, capacity, alpha)
            if (drawn <= capacity).all():
                return drawn
        raise UserError(
            f"{_TRIES} draws of {queries} {self.title} queries asked more of a class than it has "
            f"({min(capacity)} to {max(capacity)} beside the support): lower the number of queries."
        )


def _balanced(
    rng: np.random.Generator, queries: int, capacity: np.ndarray, alpha: float
) -> np.ndarray:
    """Counts differ by one at most; which classes have the larger one is drawn."""
    del alpha
    way = len(capacity)
    each, rest = divmod(queries, way)
    counts = np.full(way, each)
    if rest:
        counts[rng.choice(way, rest, replace=False)] += 1
    return counts


def _dirichlet(
    rng: np.random.Generator, queries: int, capacity: np.ndarray, alpha: float
) -> np.ndarray:
    """A query is of class n with probability p_n, where p ~ Dirichlet(alpha, ..., alpha)."""
    return rng.multinomial(queries, rng.dirichlet(np.full(len(capacity), alpha)))


def _mixture(
    rng: np.random.Generator, queries: int, capacity: np.ndarray, alpha: float
) -> np.ndarray:
    """One or the other, by the toss of a coin."""
    return (_balanced if rng.random() < 0.5 else _dirichlet)(rng, queries, capacity, alpha)


def _varied(
    rng: np.random.Generator, queries: int, capacity: np.ndarray, alpha: float
) -> np.ndarray:
    """A mixture with fewer balanced episodes where queries are few.

    Then balance says much, one query of each class, and what is trained would count on it.
    """
    balanced = rng.random() < (0.5 if queries >= _FEW else 0.3)
    return (_balanced if balanced else _dirichlet)(rng, queries, capacity, alpha)


def _natural(
    rng: np.random.Generator, queries: int, capacity: np.ndarray, alpha: float
) -> np.ndarray:
    """Every example is as likely a query as any other: classes with more have more."""
    del alpha
    return rng.multivariate_hypergeometric(capacity, queries)


QUERY_SHARES: Registry[QueryShares] = Registry("shares")
QUERY_SHARES["balanced"] = QueryShares("balanced", _balanced, room=1.0)
QUERY_SHARES["dirichlet"] = QueryShares("Dirichlet", _dirichlet)
QUERY_SHARES["mixture"] = QueryShares("mixed", _mixture)
QUERY_SHARES["natural"] = QueryShares("natural", _natural, room=1.0)
QUERY_SHARES["varied"] = QueryShares("varied", _varied)
