"""A ready model: a backbone with trained weights and a general head, exported and used."""

import csv

import numpy as np
import pytest
from PIL import Image

from configs import photographs
from sib_tf.backbones import registry
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.serving import model_card, warmup
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict import prediction
from tests.experiments import small_head
from tests.experiments.mean_colour import MeanColour

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "grey": (90, 90, 90), "red": (255, 0, 0)}


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.BACKBONES, "mean_colour", MeanColour)
    config = photographs.get_config()
    config.phi.update(backbone="mean_colour", crop_size=16)
    config.model.file = small_head.save(tmp_path, num_steps=2)
    return config


def run(config, workdir):
    for step in families.steps(config):
        execute(step, families.read(config), workdir)


def draw(folder, colour, count):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = np.clip(np.array(colour) + rng.normal(0, 40, (20, 30, 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")


@pytest.mark.slow
def test_from_no_data_to_the_answers_for_a_folder_of_images(config, tmp_path):
    run(config, tmp_path / "work")
    model = tmp_path / "work/export/photographs"
    for name, colour in COLOURS.items():
        draw(tmp_path / "support" / name, colour, 2)
        draw(tmp_path / "queries" / name, colour, 3)
        for file in (tmp_path / "queries" / name).iterdir():
            (tmp_path / "query").mkdir(exist_ok=True)
            file.rename(tmp_path / "query" / f"{name}-{file.name}")
    outcome = prediction.classify_folder(
        ExportedModel(model), tmp_path / "support", tmp_path / "query", tmp_path / "out"
    )
    assert outcome.unreadable == 0
    with (tmp_path / "out" / prediction.PREDICTIONS_FILE).open() as file:
        rows = [(row["file"].partition("-")[0], row["label"]) for row in csv.DictReader(file)]
    assert len(rows) == 12
    assert all(truth == label for truth, label in rows)

    card = (model / "1" / model_card.FILE).read_text()
    assert "mean_colour, with the weights that it comes with, on images of 16 x 16" in card
    assert "takes 2\nsynthetic-gradient steps" in card
    assert (model / "1" / warmup.FILE).stat().st_size > 1000


@pytest.mark.parametrize(
    "fields",
    [
        {"feature_dim": 3, "initialization": "prototypes"},
        {"way": 5, "synthetic_gradient": "dense"},
    ],
)
def test_a_head_for_one_kind_of_task_is_refused(config, tmp_path, fields):
    small_head.save(tmp_path, **fields)
    with pytest.raises(UserError, match=r"config\.model\.file holds a head for one kind"):
        run(config, tmp_path / "work")
    assert not (tmp_path / "work/export").exists()


def test_a_missing_head_is_asked_for(config, tmp_path):
    config.model.file = "missing.keras"
    with pytest.raises(UserError, match=r"config\.model\.file='missing\.keras' is no file"):
        run(config, tmp_path / "work")


@pytest.mark.parametrize(
    ("backbone", "size"), [("efficientnet_lite0", 160), ("keras_applications/Xception", 299)]
)
def test_a_size_that_is_left_open_is_that_of_the_backbone(config, backbone, size):
    config.phi.update(backbone=backbone, crop_size=0)
    checked = families.read(config)
    assert checked.phi.crop_size == size
    assert checked.record(["phi.crop_size"]) == {"phi": {"crop_size": size}}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"backbone": "conv4_64"}, 'config.phi.backbone="conv4_64" comes without trained weights'),
        ({"backbone": "vgg"}, 'config.phi.backbone="vgg" is unknown: use .*efficientnet_lite0'),
        (
            {"backbone": "efficientnet_lite0", "crop_size": 8},
            "config.phi.crop_size=8 is too small",
        ),
    ],
)
def test_backbones_that_cannot_serve_are_refused(config, fields, words):
    config.phi.update(fields)
    with pytest.raises(UserError, match=f"^{words}"):
        families.read(config)
