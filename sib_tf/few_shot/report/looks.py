"""How results on queries of some class shares are drawn."""

import itertools
from typing import NamedTuple

from sib_tf.few_shot.episodes.query_shares import QUERY_SHARES
from sib_tf.report.style import BLUE, GREEN, INK, ORANGE


class Look(NamedTuple):
    """How results on queries of some class shares are drawn."""

    colour: str
    marker: str


_LOOKS = (Look(BLUE, "o"), Look(ORANGE, "s"), Look(GREEN, "^"), Look(INK, "D"))


def look(query_shares: str) -> Look:
    """The look of results on queries of these shares."""
    return dict(zip(QUERY_SHARES, itertools.cycle(_LOOKS), strict=False))[query_shares]
