"""A bar with the time left, on stderr where that is a terminal."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

_T = TypeVar("_T")


def progress(items: Iterable[_T], total: int, what: str, unit: str) -> Iterator[_T]:
    """The items; a bar says how many of them are done.

    Args:
        items: what is worked on, one after the other.
        total: how many there are.
        what: what is done, in front of the bar.
        unit: what an item is, in the singular.
    """
    bar = tqdm(items, desc=what, total=total, unit=f" {unit}", disable=None, dynamic_ncols=True)
    return iter(bar)
