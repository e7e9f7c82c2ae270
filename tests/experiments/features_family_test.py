"""A trained head, evaluated on features of a file."""

import json

import keras
import numpy as np
import pytest

from configs import features
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from tests.experiments import small_head


@pytest.fixture
def config(tmp_path):
    labels = np.repeat(["ant", "bee", "cat"], 6)
    rows = np.eye(3)[np.repeat(range(3), 6)] + 0.01 * np.arange(18 * 3).reshape(18, 3) % 0.1
    np.savez(tmp_path / "animals.npz", features=rows, labels=labels)
    small = features.get_config()
    small.data.file = str(tmp_path / "animals.npz")
    small.model.file = small_head.save(tmp_path)
    small.grid.update(ways=(2, 5), shots=(1,), queries=(3,), methods=("prototypes", "sib"))
    small.grid.update(query_shares=("balanced",), episodes=4)
    return small


def evaluate(config, workdir):
    for step in families.steps_of(config, "evaluate"):
        execute(step, families.read(config), workdir)


@pytest.mark.slow
def test_a_head_without_a_weight_of_their_size_serves_any_features(config, tmp_path):
    evaluate(config, tmp_path / "work")
    report = json.loads((tmp_path / "work/grid/report.json").read_text())
    assert report["features"] == "animals"
    # Classes are orthogonal but for noise, so that all is right before and after a step.
    assert {(row["method"], row["accuracy"]) for row in report["results"]} == {
        ("prototypes", 1.0),
        ("sib", 1.0),
    }
    (left_out,) = report["left_out"]
    assert left_out.startswith("5-way 1-shot, 3 balanced queries: ")

    # Another head under the same name is not mistaken for the one that was evaluated.
    small_head.save(tmp_path, feature_dim=3, initialization="prototypes")
    with pytest.raises(UserError, match=r"written with config\.model\.sha256="):
        evaluate(config, tmp_path / "work")


def test_a_head_for_features_of_another_size_is_refused(config, tmp_path):
    small_head.save(tmp_path, feature_dim=4, initialization="prototypes")
    with pytest.raises(UserError, match="is for images of 4 features, these have 3"):
        evaluate(config, tmp_path / "work")
    assert not (tmp_path / "work/grid").exists()


def test_a_model_of_another_kind_is_refused(config, tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "head.keras")
    with pytest.raises(UserError, match=r"head\.keras is no few-shot classifier"):
        evaluate(config, tmp_path / "work")


@pytest.mark.parametrize("section", ["data", "model"])
@pytest.mark.parametrize("file", ["", "missing.npz"])
def test_a_missing_file_is_asked_for(config, tmp_path, section, file):
    config[section].file = file
    with pytest.raises(UserError, match=rf"config\.{section}\.file='{file}' is no file: name a "):
        evaluate(config, tmp_path / "work")


def test_a_grid_that_the_data_cannot_fill_is_refused(config, tmp_path):
    config.grid.ways = (5,)
    with pytest.raises(UserError, match=r"can fill no cell of the grid\. 5-way 1-shot, 3 balanced"):
        evaluate(config, tmp_path / "work")


def test_a_grid_needs_a_number_of_classes(config):
    config.grid.ways = ()
    with pytest.raises(UserError, match=r"config\.grid\.ways is empty"):
        families.read(config)
