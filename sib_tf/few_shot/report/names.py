"""How the queries of an episode are written for people."""

from sib_tf.few_shot.episodes.query_shares import QUERY_SHARES


def queries(shares: str) -> str:
    """Queries of some class shares: `Dirichlet queries`.

    Raises:
        UserError: if the shares are unknown.
    """
    return f"{QUERY_SHARES[shares].title} queries"
