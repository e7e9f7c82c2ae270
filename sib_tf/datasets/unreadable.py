"""What becomes of the images of a data set that cannot be read: refused, or left out and told."""

import functools
import logging
from collections.abc import Callable, Sequence
from typing import NoReturn

from sib_tf.base.errors import UserError
from sib_tf.base.registry import Registry

NAMED = 10  # of them are named

_LOG = logging.getLogger("sib_tf")

Settle = Callable[[Sequence[str], int], None]
"""Settles some images: which are they, NAMED at most, with what is wrong; and how many in all."""


def refuse(faults: Sequence[str], count: int, or_else: str = "") -> NoReturn:
    """Refuses a data set with unreadable images.

    Raises:
        UserError: names the first of them.
    """
    raise UserError(f"{_told(faults, count)}; delete or replace what is damaged{or_else}")


def leave_out(faults: Sequence[str], count: int) -> None:
    """Says which images a data set does without."""
    _LOG.warning("Left out: %s", _told(faults, count))


POLICIES: Registry[Settle] = Registry("unreadable")
POLICIES["refuse"] = functools.partial(
    refuse, or_else=", or leave it out with --config.data.unreadable=skip"
)
POLICIES["skip"] = leave_out


def _told(faults: Sequence[str], count: int) -> str:
    total = f"{count} images cannot be read: " if count > 1 else ""
    more = f"; and {count - NAMED} more" if count > NAMED else ""
    return f"{total}{'; '.join(faults)}{more}"
