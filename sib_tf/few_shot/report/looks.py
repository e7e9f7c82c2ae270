"""How results on queries of some class shares are drawn."""

from typing import NamedTuple

from sib_tf.report.style import BLUE, GREEN, INK, ORANGE


class Look(NamedTuple):
    """How results on queries of some class shares are drawn."""

    colour: str
    marker: str


_LOOKS = {
    "balanced": Look(BLUE, "o"),
    "dirichlet": Look(ORANGE, "s"),
    "mixture": Look(GREEN, "^"),
}


def look(query_shares: str) -> Look:
    """The look of results on queries of these shares."""
    return _LOOKS.get(query_shares, Look(INK, "D"))
