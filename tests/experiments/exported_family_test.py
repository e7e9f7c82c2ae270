"""An exported model, evaluated on folders of labelled images."""

import itertools
import json
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs import exported
from sib_tf.base.errors import UserError
from sib_tf.datasets.images import read_rgb
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.features import feature_table
from sib_tf.serving import image_files
from sib_tf.serving.exported_model import ExportedModel
from tests.experiments import small_export

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "grey": (90, 90, 90), "red": (255, 0, 0)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_export.save(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def animals(tmp_path_factory):
    """A folder of 6 images of each of 4 classes, which their colours tell apart."""
    root, rng = tmp_path_factory.mktemp("data") / "animals", np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.clip(np.array(colour) + rng.normal(0, 40, (20, 30, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number}.png")
    return str(root)


@pytest.fixture
def config(animals):
    config = exported.get_config()
    config.data.root = animals
    config.grid.update(ways=(2, 4), shots=(1,), queries=(4, 40), episodes=5)
    return config


def evaluate(config, workdir):
    for step in families.steps_of(config, "evaluate"):
        execute(step, families.read(config), workdir)


@pytest.mark.slow
def test_the_grid_of_an_exported_model(config, model, tmp_path):
    config.model.folder = model
    evaluate(config, tmp_path / "work")
    report = json.loads((tmp_path / "work/grid/report.json").read_text())
    assert report["features"] == "animals, export"
    found = {(r["way"], r["query_shares"], r["method"]) for r in report["results"]}
    methods = ("prototypes", "logistic_regression", "sib")
    assert found == {*itertools.product((2, 4), ("balanced", "natural"), methods)}
    assert {row["accuracy"] for row in report["results"]} == {1.0}
    assert len(report["left_out"]) == 4  # 40 queries of 4 classes with 5 images beside the support


def test_a_grid_without_ways_is_refused(config):
    config.grid.ways = ()
    with pytest.raises(UserError, match=r"config\.grid\.ways is empty"):
        families.read(config)


def test_a_missing_model_is_named(config, tmp_path):
    config.model.folder = str(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"nothing: no such model folder"):
        evaluate(config, tmp_path / "work")


@pytest.mark.slow
def test_a_folder_of_images_is_asked_for(config, model, tmp_path):
    config.data.root, config.model.folder = "", model
    with pytest.raises(UserError, match=r"config\.data\.root is empty: give"):
        evaluate(config, tmp_path / "work")


@pytest.mark.slow
def test_unreadable_images_are_all_named_or_skipped(config, model, animals, tmp_path, caplog):
    shutil.copytree(animals, tmp_path / "animals")
    files = [tmp_path / "animals" / name / "0.png" for name in ("blue", "red")]
    for file in files:
        file.write_bytes(b"no image")
    faults = "; ".join(f"{file}: is not an image" for file in files)
    config.data.root, config.model.folder = str(tmp_path / "animals"), model
    features, _ = families.steps(config)
    with pytest.raises(UserError, match=f"^2 images cannot be read: {faults}; .*unreadable=skip"):
        execute(features, families.read(config), tmp_path)
    config.data.unreadable = "skip"
    features, _ = families.steps(config)
    assert execute(features, families.read(config), tmp_path)
    assert f"Left out: 2 images cannot be read: {faults}" in caplog.text
    counts = json.loads((tmp_path / "features/test/step.json").read_text())["counts"]
    assert counts == {"images": 22, "classes": 4}


@pytest.mark.slow
def test_features_of_earlier_images_are_not_held(config, model, tmp_path, monkeypatch):
    made, held = [], []
    of_model = ExportedModel.features

    def features(self, images):
        held.append(sum(earlier() is not None for earlier in made))
        rows = of_model(self, images)
        made.append(weakref.ref(rows))
        return rows

    monkeypatch.setattr(ExportedModel, "features", features)
    monkeypatch.setattr(image_files, "_BATCH", 5)  # of 24
    config.model.folder = model
    step, _ = families.steps(config)
    execute(step, families.read(config), tmp_path)
    assert held == [0, 1, 1, 1, 1]
    table = feature_table.read(tmp_path / "features/test/records")
    assert table.labels.tolist() == np.repeat(np.arange(4), 6).tolist()
    files = sorted((Path(config.data.root)).glob("*/*.png"))
    exported_model = ExportedModel(Path(model))
    images = np.stack([read_rgb(file, exported_model.image_size) for file in files])
    np.testing.assert_allclose(table.features[0], of_model(exported_model, images), atol=1e-5)
