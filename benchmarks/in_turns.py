"""Functions timed by calling them in turns, so that what slows the machine slows them all."""

import time
from collections.abc import Callable

import numpy as np


def in_turns(calls: int, *functions: Callable[[], object]) -> list[np.ndarray]:
    """Calls functions in turns; returns the seconds of each one's calls, without the first."""
    times = [[] for _ in functions]
    for _ in range(calls + 1):
        for function, seconds in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
    return [np.array(seconds[1:]) for seconds in times]
