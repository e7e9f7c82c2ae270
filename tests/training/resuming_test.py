"""A killed `fit` resumes as if it had not been interrupted."""

import keras
import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.training.callbacks.resuming import Resume
from sib_tf.training.optimizers import SGDWithL2

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


def make():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(SGDWithL2(0.01), "mse")
    return model


def train(folder, epochs):
    """Trains up to `epochs` in total; returns the model, its callback and the epochs run now."""
    model, resume, ran = make(), Resume(folder), []
    start = resume.restore(model)
    count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: ran.append(epoch))
    model.fit(
        X,
        Y,
        batch_size=4,
        epochs=epochs,
        initial_epoch=start,
        shuffle=False,
        verbose=0,
        callbacks=[count, resume],
    )
    return model, resume, ran


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.asarray(variable).tobytes() for variable in variables]


def test_two_epochs_and_a_restart_are_three_epochs(tmp_path):
    whole, resume, _ = train(tmp_path / "whole", 3)
    train(tmp_path / "parts", 2)
    parts, resumed, ran = train(tmp_path / "parts", 3)
    assert ran == [2]
    assert state(parts) == state(whole)  # weights, momentum, learning rate, iterations
    assert parts.optimizer.iterations.numpy() == 9  # 3 epochs of 12 / 4 steps
    assert all(np.any(np.asarray(m)) for m in parts.optimizer.momentums)
    assert resumed.history == resume.history
    assert resumed.curves()["epoch"] == [1, 2, 3]


def test_restoring_brings_back_what_was_saved(tmp_path):
    trained, resume, _ = train(tmp_path, 2)
    model, restored = make(), Resume(tmp_path)
    assert state(model) != state(trained)
    assert restored.restore(model) == 2
    assert state(model) == state(trained)
    assert restored.history == resume.history


def test_without_a_checkpoint_training_starts_at_epoch_0(tmp_path):
    model = make()
    before = [np.copy(w) for w in model.get_weights()]
    resume = Resume(tmp_path / "none")
    assert resume.restore(model) == 0
    assert resume.history == []
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_finished_training_runs_no_further_epoch(tmp_path):
    finished, _, _ = train(tmp_path, 2)
    again, _, ran = train(tmp_path, 2)
    assert ran == []
    assert state(again) == state(finished)


@pytest.mark.parametrize("file", ["ckpt-1.index", "ckpt-1.data-00000-of-00001", "checkpoint"])
def test_a_truncated_checkpoint_names_its_folder(tmp_path, file):
    train(tmp_path, 1)
    damaged = tmp_path / file
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2] if file != "checkpoint" else b"")
    with pytest.raises(UserError, match=f"{tmp_path} holds a damaged checkpoint") as error:
        Resume(tmp_path).restore(make())
    assert len(str(error.value).splitlines()) == 1
