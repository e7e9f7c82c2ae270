"""Image files that are read while the model works on those before them."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import logging

from sib_tf.base.errors import UserError
from sib_tf.serving.predict import photograph
from sib_tf.serving.predict.photograph import Photograph
from sib_tf.serving.predict.progress import progress

_BATCH = 32  # images that the model sees at a time
_AHEAD = 2 * _BATCH  # images that wait for it at most


class Images(NamedTuple):
    """What is kept of the image files of a folder.

    Attributes:
        readable: whether each file could be read, bool [files].
        kept: what the model keeps of each readable one, [n, ...].
        thumbnails: small JPEG files of the readable ones.
    """

    readable: np.ndarray
    kept: np.ndarray
    thumbnails: list[bytes]


def read_images(
    files: Sequence[Path],
    size: tuple[int, int],
    keep: Callable[[np.ndarray], np.ndarray],
    what: str,
) -> Images:
    """Reads image files in several threads, in the memory of a few of them.

    Those that cannot be read are skipped with a warning, after the last.

    Args:
        files: image files.
        size: height and width of the images that the model takes, in pixels.
        keep: callable from images, uint8 [B, H, W, 3], to what is kept of each, [B, ...].
        what: what the files are, in front of the progress bar.
    """
    results = progress(_read_ahead(files, size), len(files), what, "image")
    kept, found = [], []
    while batch := list(itertools.islice(results, _BATCH)):
        photographs = [result for result in batch if isinstance(result, Photograph)]
        if photographs:
            kept.append(keep(np.stack([image.pixels for image in photographs])))
        found += [r.thumbnail if isinstance(r, Photograph) else r for r in batch]
    errors = [error for error in found if isinstance(error, UserError)]
    for error in errors:
        logging.warning("Skipped: %s", error)
    return Images(
        readable=np.array([not isinstance(result, UserError) for result in found], bool),
        kept=np.concatenate(kept or [np.empty(0)]),
        thumbnails=[result for result in found if not isinstance(result, UserError)],
    )


def _read_ahead(files: Iterable[Path], size: tuple[int, int]) -> Iterator[Photograph | UserError]:
    """What is read of each file, or why it is not, in their order.

    Threads do it, for Pillow leaves Python's lock to others while it decodes.
    """
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        try:
            for file in files:
                waiting.append(threads.submit(_read, file, size))
                if len(waiting) == _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)


def _read(file: Path, size: tuple[int, int]) -> Photograph | UserError:
    try:
        return photograph.read(file, size)
    except UserError as error:
        return error
