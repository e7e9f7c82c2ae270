"""Image files by their numbers, of which memory holds those that are asked for."""

import os
import tempfile
from collections.abc import Iterable

import numpy as np


class StoredFiles:
    """Files in one without a name, which is gone with this object or process.

    It lies in the folder of temporary files, TMPDIR. Memory holds 16 bytes for each.

    Args:
        files: content of each.

    Raises:
        OSError: the disk is full; names the folder.
    """

    def __init__(self, files: Iterable[bytes]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, see above
        try:
            self._sizes = np.fromiter(map(self._file.write, files), np.int64)
            self._file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from error
        self._begins = np.cumsum(self._sizes) - self._sizes

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        """Contents, bytes [B], by their numbers, int [B]."""
        places = zip(self._sizes[numbers].tolist(), self._begins[numbers].tolist(), strict=True)
        return np.array([os.pread(self._file.fileno(), *place) for place in places], object)
