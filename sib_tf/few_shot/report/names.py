"""How methods, models and queries are written for people."""

from sib_tf.few_shot.report.results import Row, is_prototypes

_QUERIES = {
    "balanced": "balanced queries",
    "dirichlet": "Dirichlet queries",
    "mixture": "mixed queries",
}


_NETWORKS = {"set": "set-wise"}
PROTOTYPES = "cosine prototypes"


def method(row: Row) -> str:
    """A method at its K: `SIB, dense network, K = 3`."""
    if is_prototypes(row):
        return f"{PROTOTYPES}, K = 0"
    kind = network(row["synthetic_gradient"])
    return f"{row['method'].upper()}, {kind} network, K = {row['num_steps']}"


def method_at_any_k(row: Row) -> str:
    """A method with its training: `SIB, dense network, trained on balanced queries`."""
    if is_prototypes(row):
        return PROTOTYPES
    return f"{row['method'].upper()}, {model(row)}"


def model(row: Row) -> str:
    """What tells trained models apart: `dense network, trained on balanced queries`."""
    kind = network(row["synthetic_gradient"])
    return f"{kind} network, trained on {queries(row['train_query_shares'])}"


def network(synthetic_gradient: str) -> str:
    """The kind of a synthetic gradient network: `dense` or `set-wise`."""
    return _NETWORKS.get(synthetic_gradient, synthetic_gradient)


def queries(shares: str) -> str:
    """Queries of some class shares: `Dirichlet queries`."""
    return _QUERIES.get(shares, f"{shares} queries")
