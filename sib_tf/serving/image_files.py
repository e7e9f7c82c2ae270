"""Image files that are read while the model works on those before them."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sib_tf.datasets.images import UnreadableImageError
from sib_tf.serving.progress import progress

_BATCH = 32  # images that the model sees at a time
_AHEAD = 2 * _BATCH  # images that wait for it at most

_T = TypeVar("_T")


def batches_read(
    files: Sequence[Path], read: Callable[[Path], _T], what: str
) -> Iterator[list[_T | UnreadableImageError]]:
    """Reads image files in several threads, in the memory of a few of them.

    Threads do it, for Pillow leaves Python's lock to others while it decodes.

    Args:
        files: image files.
        read: callable from a file to what is read of it; raises `UnreadableImageError`.
        what: what the files are, in front of the progress bar.

    Yields:
        What is read of some files, or why it is not, in their order.
    """
    results = progress(_read_ahead(files, read), len(files), what, "image")
    while batch := list(itertools.islice(results, _BATCH)):
        yield batch


def _read_ahead(
    files: Iterable[Path], read: Callable[[Path], _T]
) -> Iterator[_T | UnreadableImageError]:
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        try:
            for file in files:
                waiting.append(threads.submit(_result, read, file))
                if len(waiting) == _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)


def _result(read: Callable[[Path], _T], file: Path) -> _T | UnreadableImageError:
    try:
        return read(file)
    except UnreadableImageError as error:
        return error
