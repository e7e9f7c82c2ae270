"""How methods, models, queries, classes and fractions are written for people."""

import re
import textwrap

from sib_tf.report.results import Row, is_prototypes

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


def class_name(name: str) -> str:
    """`U+0041_LATIN_CAPITAL_LETTER_A` to "Latin capital A", `aquarium_fish` to "aquarium fish".

    A number in front, `3_U+0041_LATIN_CAPITAL_LETTER_A`, stays.
    """
    glyph = re.fullmatch(r"(\d+_|)U\+[0-9A-Fa-f]{4,6}_(.+)", name)
    if not glyph:
        return name.replace("_", " ")
    script, *words = glyph[2].split("_")
    letter_case = str.upper if "CAPITAL" in words else str.lower
    rest = [letter_case(w) if len(w) == 1 else w.lower() for w in words if w != "LETTER"]
    return " ".join([glyph[1].replace("_", " ") + script.capitalize(), *rest])


def capital(words: str) -> str:
    """With a capital at the beginning and all else as it is."""
    return words[:1].upper() + words[1:]


def two_lines(words: str, width: int) -> list[str]:
    """Broken into at most two lines of `width` characters."""
    return textwrap.wrap(words, width, max_lines=2, placeholder="…")


def percent(fraction: float) -> str:
    """0.7249 to "72.5"."""
    return f"{100 * fraction:.1f}"


def signed_percent(gain: float) -> str:
    """0.1068 to "+10.7"; the minus of a loss is typographic, as wide as the plus."""
    return f"{100 * gain:+z.1f}".replace("-", "−")
