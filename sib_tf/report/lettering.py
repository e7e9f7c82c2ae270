"""Names of any characters in pictures: by a font that has them, else by a number in their place."""

import functools
import logging
from collections.abc import Mapping
from typing import Any

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FONT = "DejaVu Sans"  # of all pictures, ships with matplotlib
_LOG = logging.getLogger("sib_tf")


def lettered(name: str, instead: str) -> tuple[str, Mapping[str, Any]]:
    """What to write for a name, and the properties of matplotlib's text to write it with.

    Args:
        name: name of a class or file, legible.
        instead: what is written if no font of this machine has all characters of the name.
    """
    families = _families(frozenset(character for character in name if not character.isspace()))
    if families is None:
        _say_once()
        return instead, {"fontfamily": [FONT]}
    # The other fonts may have no bold letters, of which matplotlib would warn.
    weight = {"weight": "normal"} if families else {}
    return name, {"fontfamily": [FONT, *families], **weight}


@functools.cache
def _families(characters: frozenset[str]) -> tuple[str, ...] | None:
    """Fonts that together have what FONT lacks of some characters; None if there are none."""
    missing = {ord(character) for character in characters} - _characters(
        font_manager.findfont(FONT)
    )
    families = []
    for file in _installed() if missing else ():
        if found := missing & _characters(file):
            families.append(_known_family(file))
            missing -= found
        if not missing:
            break
    return None if missing else tuple(families)


@functools.cache
def _installed() -> tuple[str, ...]:
    # The system is asked anew: matplotlib's own list is of when it was first used here.
    return tuple(sorted(font_manager.findSystemFonts()))


@functools.cache
def _characters(file: str) -> frozenset[int]:
    """The code points that matplotlib can draw with a font: none of one of pixels, as for emoji."""
    try:
        font = FT2Font(file)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()


def _known_family(file: str) -> str:
    """The family of a font, which matplotlib is made to know."""
    fonts = font_manager.fontManager
    if not any(font.fname == file for font in fonts.ttflist):
        fonts.addfont(file)
    return next(font.name for font in fonts.ttflist if font.fname == file)


@functools.cache
def _say_once() -> None:
    _LOG.warning(
        "No font of this machine has all characters of some names: pictures show numbers in their "
        "place. Install one that has them, such as Noto Sans CJK."
    )
