"""How the queries of an episode are written for people."""

_QUERIES = {
    "balanced": "balanced queries",
    "dirichlet": "Dirichlet queries",
    "mixture": "mixed queries",
}


def queries(shares: str) -> str:
    """Queries of some class shares: `Dirichlet queries`."""
    return _QUERIES.get(shares, f"{shares} queries")
