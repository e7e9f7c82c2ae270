"""A trained head, evaluated on features of a file."""

import json

import keras
import numpy as np
import pytest

from configs import features
from sib_tf import FewShotClassifier
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.experiments.options import Options


def save_head(folder, feature_dim):
    keras.utils.set_random_seed(0)
    head = FewShotClassifier(
        None,
        feature_dim,
        num_steps=1,
        synthetic_gradient="general",
        initialization="class_means" if feature_dim is None else "prototypes",
    )
    folder.mkdir()
    head.save(folder / "model.keras")
    return folder


@pytest.fixture
def config(tmp_path):
    labels = np.repeat(["ant", "bee", "cat"], 6)
    rows = np.eye(3)[np.repeat(range(3), 6)] + 0.01 * np.arange(18 * 3).reshape(18, 3) % 0.1
    np.savez(tmp_path / "animals.npz", features=rows, labels=labels)
    small = features.get_config()
    small.data.file = str(tmp_path / "animals.npz")
    small.grid.update(ways=(2, 5), shots=(1,), queries=(3,), methods=("prototypes", "sib"))
    small.grid.update(query_shares=("balanced",), episodes=4)
    return small


def evaluate(config, workdir, weights=None):
    for step in families.steps_of(config, "evaluate", Options(weights=weights)):
        execute(step, families.read(config), workdir)


@pytest.mark.slow
def test_a_head_without_a_weight_of_their_size_serves_any_features(config, tmp_path):
    evaluate(config, tmp_path / "work", save_head(tmp_path / "head", feature_dim=None))
    report = json.loads((tmp_path / "work/grid/report.json").read_text())
    assert report["features"] == "animals"
    # Classes are orthogonal but for noise, so that all is right before and after a step.
    assert {(row["method"], row["accuracy"]) for row in report["results"]} == {
        ("prototypes", 1.0),
        ("sib", 1.0),
    }
    (left_out,) = report["left_out"]
    assert left_out.startswith("5-way 1-shot, 3 balanced queries: ")


def test_a_head_for_features_of_another_size_is_refused(config, tmp_path):
    with pytest.raises(UserError, match="is for images of 4 features, these have 3"):
        evaluate(config, tmp_path / "work", save_head(tmp_path / "head", feature_dim=4))
    assert not (tmp_path / "work/grid").exists()


def test_a_head_is_asked_for(config, tmp_path):
    with pytest.raises(UserError, match="add --weights=FOLDER"):
        evaluate(config, tmp_path / "work")


def test_a_file_is_asked_for(config, tmp_path):
    config.data.file = ""
    with pytest.raises(UserError, match=r"config\.data\.file is empty"):
        evaluate(config, tmp_path / "work", save_head(tmp_path / "head", feature_dim=None))


def test_a_grid_needs_a_number_of_classes(config):
    config.grid.ways = ()
    with pytest.raises(UserError, match=r"config\.grid\.ways is empty"):
        families.read(config)
