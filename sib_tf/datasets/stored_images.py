"""Images by their numbers, of which memory holds those that are asked for."""

import errno
import math
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np


class StoredImages:
    """Decoded images in a file, to be read like an array.

    The file has no name, so that it is gone with this process, also if that is killed, or at the
    end of a `with` block. It is read, not mapped: of what is mapped, all that was ever looked at
    counts as memory of the process.

    Args:
        batches: uint8 [B, H, W, 3] each, of any B; at least one.
        folder: where there is room; None: the folder of temporary files, TMPDIR.

    Attributes:
        shape: n, H, W, 3.
        dtype: uint8.

    Raises:
        OSError: the disk is full; names the folder.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, batches: Iterable[np.ndarray], folder: Path | None) -> None:
        self._folder = folder or tempfile.gettempdir()
        self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115, see `__exit__`
        count = 0
        try:
            for images in batches:
                self._file.write(np.ascontiguousarray(images))
                count += len(images)
            self._file.flush()
            os.fsync(self._file.fileno())  # Some disks say only now that they are full.
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._folder)) from error
        self.shape = (count, *images.shape[1:])

    def __enter__(self) -> "StoredImages":
        return self

    def __exit__(self, *_: object) -> None:
        """Frees the room; TensorFlow keeps what its graphs have called until the process ends."""
        self._file.close()

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
        found = b"".join(os.pread(self._file.fileno(), size, n * size) for n in numbers.tolist())
        if len(found) != size * len(numbers):
            raise OSError(errno.EIO, "images cannot be read back", str(self._folder))
        return np.frombuffer(found, self.dtype).reshape(len(numbers), *self.shape[1:])
