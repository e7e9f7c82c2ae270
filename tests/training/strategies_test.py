"""Several devices give the weights of one: two logical CPUs, two processes."""

import json
import socket

import numpy as np
import pytest
import tensorflow as tf

from configs import glyphs
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.training.devices import strategies
from tests.running import Running
from tests.training.small_training import TWENTY_STEPS, train

SMALL_TRAINING = "tests.training.small_training"


def start_two(args_of):
    """Starts workers 0 and 1 of a cluster, each with its own arguments."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    workers = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    configs = [json.dumps({"cluster": {"worker": workers}, "task": task}) for task in tasks]
    return [Running(*args_of(n), TF_CONFIG=config) for n, config in enumerate(configs)]


def finish(process):
    """Waits for a process to succeed; returns what it printed on stderr."""
    _, said = process.communicate()
    assert process.poll() == 0, said
    return said


def state(folder):
    """What training has saved, by name: weights, running averages, momentum, steps."""
    reader = tf.train.load_checkpoint(str(folder / "checkpoints"))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith("model/")]
    return {name: reader.get_tensor(name) for name in names}


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_device")
    train(folder, TWENTY_STEPS)
    return folder


def assert_same(folder, one_device, steps=20, tolerance=1e-5):
    """Compares two trainings; float32 rounding, 6e-8 of a value, becomes some 1e-6 in 20 steps."""
    found, expected = state(folder), state(one_device)
    assert found.keys() == expected.keys()
    assert found["model/optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE"] == steps
    assert sum("moving_variance" in name for name in found) == 4
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance, err_msg=name)
    curves, expected = (json.loads((f / "curves.json").read_text()) for f in (folder, one_device))
    np.testing.assert_allclose(curves["loss"], expected["loss"], rtol=tolerance)
    assert curves["epoch"] == expected["epoch"]
    phi, expected = (tf.keras.models.load_model(f / "backbone.keras") for f in (folder, one_device))
    for one, other in zip(phi.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_two_devices_train_as_one_does(tmp_path, one_device):
    finish(Running(SMALL_TRAINING, "mirrored", tmp_path, "2"))
    assert_same(tmp_path, one_device)
    train(tmp_path, TWENTY_STEPS)  # goes on from the last checkpoint, on one device
    assert_same(tmp_path, one_device)


@pytest.mark.slow
def test_replicas_that_cannot_share_a_batch_equally_are_refused(tmp_path):
    _, said = Running(SMALL_TRAINING, "mirrored", tmp_path, "3").communicate()
    last = said.splitlines()[-1]
    assert "config.phi.batch_size=8 cannot be shared equally by 3 replicas" in last
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_two_workers_train_as_one_device_and_the_chief_alone_writes(tmp_path, one_device):
    for process in start_two(lambda n: (SMALL_TRAINING, "multi_worker", tmp_path / str(n))):
        finish(process)
    assert [folder.name for folder in tmp_path.iterdir()] == ["0"]
    assert_same(tmp_path / "0", one_device)


@pytest.mark.slow
def test_training_resumes_after_a_worker_is_killed(tmp_path):
    fields = {"data.images_per_class": 20, "phi.epochs": 5, "phi.learning_rate": 0.001}
    fields |= {"episodes.queries_per_class": 3, "phi.selection_queries": 15}
    config = glyphs.get_config("tiny")
    config.update_from_flattened_dict(fields)
    alone, together = tmp_path / "alone", tmp_path / "together"
    (build,) = families.steps_of(config, "build_dataset")
    (pretrain,) = families.steps_of(config, "pretrain")
    execute(build, families.read(config), alone)
    together.mkdir()
    (together / "data").symlink_to(alone / "data")
    job = ("jobs.pretrain", "--strategy=multi_worker", f"--workdir={together}")
    job += ("--config=configs/glyphs.py:tiny", *(f"--config.{k}={v}" for k, v in fields.items()))
    chief, other = start_two(lambda n: job)
    # Meanwhile, compute what is expected.
    execute(pretrain, families.read(config), alone)
    chief.wait_for(together / "backbone.part/checkpoints/ckpt-2.index")
    other.kill()
    _, said = chief.communicate()
    assert chief.poll() == 1
    last = said.splitlines()[-1]
    assert last.startswith("error: Another worker is gone (")
    assert last.endswith("): run the same command again on every worker; it goes on.")
    assert not (together / "backbone").exists()
    for process in start_two(lambda n: job):
        assert "epoch 1 of 5" not in finish(process)
    assert sorted(path.name for path in together.iterdir()) == ["backbone", "data"]
    # With more channels and images, rounding flips more ReLUs. A missing or additional epoch would
    # still show in the running averages, which move by a tenth in each step.
    assert_same(together / "backbone", alone / "backbone", steps=35, tolerance=1e-3)


def test_one_device_has_the_default_strategy():
    strategy = strategies.build("one_device")
    assert strategy is tf.distribute.get_strategy()
    assert strategies.is_chief(strategy)
    assert not strategies.has_workers(strategy)


def test_several_workers_need_a_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match="TF_CONFIG is not set"):
        strategies.build("multi_worker")
