import keras
import numpy as np
import pytest

from sib_tf.training.callbacks.best_weights import BestWeights


def make(file, history=()):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    callback = BestWeights(file, history)
    callback.set_model(model)

    def end_epoch(weight, accuracy):
        model.set_weights([np.full((1, 1), weight)])
        callback.on_epoch_end(0, {"val_accuracy": accuracy})

    def kept():
        callback.restore()
        return model.get_weights()[0].item()

    return end_epoch, kept


def test_the_first_of_the_best_epochs_is_kept(tmp_path):
    end_epoch, kept = make(tmp_path / "best.npz")
    for weight, accuracy in ((1, 0.5), (2, 0.7), (3, 0.7), (4, 0.6)):
        end_epoch(weight, accuracy)
    assert kept() == 2
    assert [file.name for file in tmp_path.iterdir()] == ["best.npz"]


def test_epochs_before_a_restart_count(tmp_path):
    file = tmp_path / "best.npz"
    make(file)[0](1, 0.7)
    end_epoch, kept = make(file, [{"val_accuracy": 0.4}, {"val_accuracy": 0.7}])
    end_epoch(2, 0.6)
    assert kept() == 1
    end_epoch(3, 0.8)
    assert kept() == 3


def test_a_kill_while_writing_keeps_the_best_epoch(tmp_path, monkeypatch):
    end_epoch, kept = make(tmp_path / "best.npz")
    end_epoch(1, 0.5)

    def half(file, *arrays):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(np, "savez", half)
        end_epoch(2, 0.9)
    assert kept() == 1
    assert [file.name for file in tmp_path.iterdir()] == ["best.npz"]
