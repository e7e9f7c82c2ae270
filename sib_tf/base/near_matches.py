"""What was meant by a name that is not there."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known names that look like a name, for a message.

    Returns:
        `"MobileNetV2" or "MobileNet"`, at most three, the nearest first; empty if none is near.
    """
    by_lower_case = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower_case)
    return " or ".join(f'"{by_lower_case[each]}"' for each in near)
