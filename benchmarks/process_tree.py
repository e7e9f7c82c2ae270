"""Memory of all processes that this one has started, together."""

import contextlib
import threading
from collections.abc import Iterable

import psutil

_INTERVAL = 0.5  # seconds; Linux walks through all pages for a sample, 30 ms for 1 GB


class PeakMemory:
    """The most memory that the processes started by this one, and theirs, have had together.

    It is sampled while the context is open. What they share, with each other or with programs that
    run beside them, such as the code of TensorFlow, counts once, as that of the one with most.

    Attributes:
        most: bytes, the most so far.
    """

    def __init__(self) -> None:
        self.most = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        this = psutil.Process()
        while not self._ended.wait(_INTERVAL):
            self.most = max(self.most, _together(this.children(recursive=True)))


def _together(processes: Iterable[psutil.Process]) -> int:
    """Bytes of several processes, of which some may have ended."""
    own = shared = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            memory = process.memory_full_info()
            own, shared = own + memory.uss, max(shared, memory.rss - memory.uss)
    return own + shared
