"""Files of an old PyTorch, written here by hand."""

import os
import pickle
import sys
import types

import numpy as np
import pytest

from sib_tf.backbones import pytorch_file

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001


class Tensor:
    """Pickled as PyTorch pickles a tensor: type, key and size of its storage, then its place."""

    def __init__(self, kind, key, size, offset, shape, strides):
        self.storage = kind, key, size
        self.place = offset, shape, strides

    def __reduce__(self):
        torch = sys.modules["torch"]
        offset, shape, strides = self.place
        return torch._utils._rebuild_tensor_v2, (self.storage, offset, shape, strides, False, {})


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, tuple) and value and value[0] in ("FloatStorage", "LongStorage"):
            kind, key, size = value
            return "storage", getattr(sys.modules["torch"], kind), key, "cpu", size, None
        return None


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    """The names that PyTorch's pickles mention, so that they can be written."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch", "__qualname__": name}))
    utils._rebuild_tensor_v2 = lambda *_: None
    utils._rebuild_tensor_v2.__module__ = "torch._utils"
    utils._rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    torch._utils = utils
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "weights.pth"


def write(file, tensors, storages, magic=MAGIC):
    with file.open("wb") as stream:
        for part in (magic, VERSION, {"little_endian": True}, tensors, list(storages)):
            Pickler(stream, protocol=2).dump(part)
        for values in storages.values():
            stream.write(len(values).to_bytes(8, "little") + values.tobytes())


def test_tensors_of_any_strides(file):
    tensors = {
        "whole": Tensor("FloatStorage", "a", 6, 0, (2, 3), (3, 1)),
        "transposed": Tensor("FloatStorage", "a", 6, 0, (3, 2), (1, 3)),
        "part": Tensor("FloatStorage", "a", 6, 4, (2,), (1,)),
        "count": Tensor("LongStorage", "b", 1, 0, (), ()),
    }
    write(file, tensors, {"a": np.arange(6, dtype=np.float32), "b": np.array([7])})
    found = pytorch_file.read(file)
    np.testing.assert_array_equal(found["whole"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["transposed"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(found["part"], [4, 5])
    assert found["count"] == 7
    assert [found[name].dtype for name in ("whole", "count")] == [np.float32, np.int64]


@pytest.mark.parametrize(
    ("offset", "strides"),
    [(3, (2, 1)), (0, (5, 1)), (-1, (2, 1)), (2, (2, -1))],  # the last element is at 6, 6, 2, 3
)
def test_a_tensor_beyond_its_storage_is_refused(file, offset, strides):
    tensors = {"w": Tensor("FloatStorage", "a", 6, offset, (2, 2), strides)}
    write(file, tensors, {"a": np.zeros(6, np.float32)})
    with pytest.raises(ValueError, match=r"weights\.pth .*beyond its storage"):
        pytorch_file.read(file)


def test_no_code_is_run(file, tmp_path):
    class MakesAFolder:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    write(file, {"w": MakesAFolder()}, {})
    with pytest.raises(ValueError, match=r"weights\.pth .*mkdir is no tensor"):
        pytorch_file.read(file)
    assert not (tmp_path / "made").exists()


def test_a_file_cut_off_anywhere_is_named(file):
    tensors = {"w": Tensor("FloatStorage", "a", 6, 0, (6,), (1,))}
    write(file, tensors, {"a": np.ones(6, np.float32)})
    content = file.read_bytes()
    np.testing.assert_array_equal(pytorch_file.read(file)["w"], np.ones(6))
    for size in range(len(content)):
        file.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"weights\.pth holds no tensors"):
            pytorch_file.read(file)


def test_other_files_are_refused(file):
    tensors = {"w": Tensor("FloatStorage", "a", 1, 0, (1,), (1,))}
    write(file, tensors, {"a": np.ones(1, np.float32)}, magic=1)
    with pytest.raises(ValueError, match="holds no tensors"):
        pytorch_file.read(file)
