"""How classes, sentences and fractions are written for people."""

import re
import textwrap
import unicodedata


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
    """Broken into at most two lines of `width` letters, or fewer where they are wide as Chinese."""
    if any(unicodedata.east_asian_width(letter) in "WF" for letter in words):
        width = width * 2 // 3
    return textwrap.wrap(words, width, max_lines=2, placeholder="…")


def percent(fraction: float) -> str:
    """0.7249 to "72.5"."""
    return f"{100 * fraction:.1f}"


def percent_interval(fraction: float, half_width: float) -> str:
    """0.7249 and 0.004 to "72.5 ± 0.4"."""
    return f"{percent(fraction)} ± {percent(half_width)}"


def signed_percent(gain: float) -> str:
    """0.1068 to "+10.7"; the minus of a loss is typographic, as wide as the plus."""
    return f"{100 * gain:+z.1f}".replace("-", "−")


def signed_interval(gain: float, half_width: float) -> str:
    """0.1068 and 0.004 to "+10.7 ± 0.4"."""
    return f"{signed_percent(gain)} ± {percent(half_width)}"
