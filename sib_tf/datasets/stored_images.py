"""Images by their numbers, of which memory holds those that are asked for."""

import math
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sib_tf.base import storage


class StoredImages:
    """Decoded images in a file, to be read like an array.

    The file has no name, so that it is gone with this process, also if that is killed. It is read,
    not mapped: of what is mapped, all that was ever looked at counts as memory of the process.

    Args:
        batches: uint8 [B, H, W, 3] each, of any B; at least one.
        folder: where there is room; one that is in an object store, or not there (yet), as that of
            a step that another process writes, leaves that of temporary files.

    Attributes:
        shape: n, H, W, 3.
        dtype: uint8.

    Raises:
        OSError: the disk is full.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, batches: Iterable[np.ndarray], folder: Path) -> None:
        on_disk = not storage.is_remote(folder) and folder.exists()
        # Open as long as this object is there.
        self._file = tempfile.TemporaryFile(dir=folder if on_disk else None)  # noqa: SIM115
        count = 0
        for images in batches:
            self._file.write(np.ascontiguousarray(images))
            count += len(images)
        self._file.flush()
        self.shape = (count, *images.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, numbers: slice | np.ndarray) -> np.ndarray:
        """Images uint8 [B, H, W, 3] by a slice or by their numbers, int [B].

        Raises:
            IndexError: if there is no image of such a number.
        """
        if isinstance(numbers, slice):
            numbers = np.arange(*numbers.indices(len(self)))
        if ((numbers < 0) | (numbers >= len(self))).any():
            raise IndexError(f"There are images 0 .. {len(self) - 1}, not all of {numbers}.")
        size = math.prod(self.shape[1:])
        found = (os.pread(self._file.fileno(), size, n * size) for n in numbers.tolist())
        images = np.frombuffer(b"".join(found), self.dtype)
        return images.reshape(len(numbers), *self.shape[1:])
