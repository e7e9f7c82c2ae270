"""NumPy files that are written in any order, without the array in memory."""

import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

# What NumPy raises on files that it has not written.
DAMAGES = (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)


class ArrayFile:
    """An array of three axes in a new `.npy` file, zeros at first.

    It is written, not mapped: on a full disk, writing raises an error, a mapped page ends the
    process; and all that is ever mapped counts as memory.

    Args:
        file: the file, empty and open for writing.
        shape: A, n, D.
        dtype: type of the elements.
    """

    def __init__(self, file: BinaryIO, shape: Sequence[int], dtype: np.typing.DTypeLike) -> None:
        self._file, self._shape, self._dtype = file, tuple(shape), np.dtype(dtype)
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": self._shape}
        np.lib.format.write_array_header_1_0(file, header)
        self._begin = file.tell()
        file.truncate(self._begin + int(np.prod(self._shape)) * self._dtype.itemsize)

    def put(self, ids: np.ndarray, rows: np.ndarray) -> None:
        """Writes array[:, ids], which are `rows` [A, m, D]; `ids` is int [m].

        Raises:
            OSError: the disk is full.
        """
        _, count, dim = self._shape
        order = np.argsort(ids)
        ids, rows = ids[order], rows[:, order]
        ends = np.flatnonzero(np.diff(ids) != 1) + 1
        for run in np.split(np.arange(len(ids)), ends):
            for number, part in enumerate(rows[:, run].astype(self._dtype, copy=False)):
                row = number * count + int(ids[run[0]])
                self._file.seek(self._begin + row * dim * self._dtype.itemsize)
                self._file.write(part.tobytes())
