"""Reads tensors that PyTorch wrote before version 1.6 of 2020, without PyTorch.

Such a file is a row of pickles (a magic number, a version, the machine, the tensors, the keys of
their storages), then for each storage its number of elements, int64, and these. Of the pickles
nothing is run but what makes tensors.
"""

import collections
import io
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_BROKEN = (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError)
_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Tensor:
    """A tensor whose storage comes later in the file; its arguments are those of PyTorch."""

    def __init__(
        self, storage: tuple, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
    ) -> None:
        _, self.dtype, self.key, _, self.storage_size, _ = storage
        self.offset, self.shape, self.strides = offset, shape, strides

    def array(self, storage: np.ndarray) -> np.ndarray:
        """The tensor, a copy.

        Raises:
            UnpicklingError: if it reaches beyond its storage.
        """
        reach = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.strides)) < 0 or self.offset + reach >= len(storage):
            raise pickle.UnpicklingError("a tensor reaches beyond its storage")
        strides = [step * storage.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.shape, strides).copy()


class _Unpickler(pickle.Unpickler):
    """Admits dictionaries of tensors of known types, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no tensor")

    def persistent_load(self, identity: tuple) -> tuple:
        return identity


def read(file: Path) -> dict[str, np.ndarray]:
    """The tensors of a file by their names, float32 or int64.

    Raises:
        ValueError: if the file is of another format, truncated, or holds anything else.
    """
    try:
        with io.BytesIO(file.read_bytes()) as stream:
            return _read(stream)
    except _BROKEN as error:
        raise ValueError(f"{file} holds no tensors of an old PyTorch: {error}") from error


def _read(stream: BinaryIO) -> dict[str, np.ndarray]:
    magic, version, _, tensors, keys = (_Unpickler(stream).load() for _ in range(5))
    if (magic, version) != (_MAGIC, _VERSION):
        raise pickle.UnpicklingError(f"it begins with {magic} and {version}")
    of_storage = {tensor.key: tensor for tensor in tensors.values()}
    storages = {key: _storage(stream, of_storage[key]) for key in keys}
    return {name: tensor.array(storages[tensor.key]) for name, tensor in tensors.items()}


def _storage(stream: BinaryIO, tensor: _Tensor) -> np.ndarray:
    size = int.from_bytes(stream.read(8), "little")
    content = stream.read(size * tensor.dtype.itemsize)
    if size != tensor.storage_size or len(content) != size * tensor.dtype.itemsize:
        raise EOFError("a storage is cut off")
    return np.frombuffer(content, tensor.dtype)
