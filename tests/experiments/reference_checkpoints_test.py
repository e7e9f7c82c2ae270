"""Reading checkpoints; tests that need PyTorch are skipped where it is not installed."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.experiments.reference import checkpoints
from sib_tf.experiments.reference.checkpoints import BACKBONE, CLASSIFIER

ARRAYS = {
    "conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "bn1.running_var": np.array([0.5, 2.0], np.float32),
    "bn1.num_batches_tracked": np.array(7),
}


@pytest.fixture
def torch():
    return pytest.importorskip(
        "torch", reason="PyTorch is an extra, not in requirements.txt: pip install torch"
    )


@pytest.fixture
def tensors(torch):
    return {name: torch.tensor(array) for name, array in ARRAYS.items()}


def assert_read(file, network, expected=ARRAYS):
    found = checkpoints.read(file, network)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_single_state_dict(tmp_path, torch, tensors):
    torch.save(tensors, tmp_path / "netFeatBest.pth")
    assert_read(tmp_path / "netFeatBest.pth", BACKBONE)
    assert checkpoints.hyperparameters(tmp_path / "netFeatBest.pth") == {}


def test_the_old_serialization_format(tmp_path, torch, tensors):
    file = tmp_path / "netFeatBest.pth"
    torch.save(tensors, file, _use_new_zipfile_serialization=False)
    assert_read(file, BACKBONE)


def test_both_networks_in_one_file(tmp_path, torch, tensors):
    file, head = tmp_path / "netSIBBest.pth", {"bias": torch.zeros(1)}
    torch.save({"lr": 1e-3, "netFeat": tensors, "SIB": head, "nbStep": 3}, file)
    assert_read(file, BACKBONE)
    assert_read(file, CLASSIFIER, {"bias": np.zeros(1, np.float32)})
    expected = {"num_steps": 3, "step_size": 1e-3}
    assert checkpoints.hyperparameters(file) == expected


def test_the_prefix_of_data_parallel_is_removed(tmp_path, torch, tensors):
    parallel = {f"module.{name}": tensor for name, tensor in tensors.items()}
    torch.save(parallel, tmp_path / "netFeatBest.pth")
    assert_read(tmp_path / "netFeatBest.pth", BACKBONE)


@pytest.mark.parametrize("content", [[1, 2], {}, {"lr": 1e-3, "nbStep": 3}, {"netFeat": 3}])
def test_a_checkpoint_without_weights_is_refused(tmp_path, torch, content):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r'other\.pth holds no weights: .*"netFeat"'):
        checkpoints.read(tmp_path / "other.pth", BACKBONE)


def test_a_checkpoint_with_code_is_not_run(tmp_path, torch):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    with pytest.raises(UserError, match=r"model\.pth holds no weights"):
        checkpoints.read(tmp_path / "model.pth", BACKBONE)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path, torch, content):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(UserError, match=r"photo\.jpg holds no weights"):
        checkpoints.read(tmp_path / "photo.jpg", BACKBONE)


@pytest.mark.parametrize(
    ("error", "reason"), [(OSError("disk\nfull"), r"\(disk\)"), (EOFError(), r"\(EOFError\)")]
)
def test_an_error_of_pytorch_becomes_one_line(tmp_path, monkeypatch, error, reason):
    def load(*_, **__):
        raise error

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(load=load))
    (tmp_path / "netFeat.pth").touch()
    with pytest.raises(UserError, match=rf"netFeat\.pth holds no weights .*{reason}") as caught:
        checkpoints.read(tmp_path / "netFeat.pth", BACKBONE)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nope\.pth is no file"):
        checkpoints.read(tmp_path / "nope.pth", BACKBONE)


def test_missing_pytorch_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # import raises ImportError
    (tmp_path / "netFeat.pth").touch()
    with pytest.raises(UserError, match=r"netFeat\.pth needs PyTorch.*`pip install torch`"):
        checkpoints.read(tmp_path / "netFeat.pth", BACKBONE)
