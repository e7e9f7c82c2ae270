"""Weights imported from checkpoints of the released code.

A fake reader replaces PyTorch, except in one test.
"""

import json

import keras
import numpy as np
import pytest

from configs import glyphs
from sib_tf.backbones import registry
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.experiments.options import Options
from sib_tf.experiments.reference import checkpoints, conversion, released_weights
from tests.backbones.released_shapes import classifier_shapes, wrn_shapes
from tests.running import job

MEAN, DEVIATION = (120.0, 110.0, 100.0), (70.0, 60.0, 50.0)
NAME, DIM, WAY = "wrn_10_1", 64, 5


@pytest.fixture(autouse=True)
def published(monkeypatch):
    monkeypatch.setitem(conversion.CHANNELS, "glyphs", (MEAN, DEVIATION))


def make_config(fields=None):
    """The tiny glyphs config with fields changed, by path."""
    config = glyphs.get_config("tiny")
    config.update_from_flattened_dict(
        {
            "data.images_per_class": 40,
            "phi.backbone": NAME,
            "meta.train_episodes": 20,
            "meta.validation_episodes": 10,
            "eval.episodes": 10,
            "eval.query_shares": ("balanced",),
            **(fields or {}),
        }
    )
    return config


def convert(folder, files, fields=None):
    conversion.convert(folder, families.read(make_config(fields)), **files)


def released(shapes, seed):
    """Random arrays by released name, and an additional one that PyTorch stores."""
    rng = np.random.default_rng(seed)

    def draw(name, shape):
        if len(shape) == 4:
            return rng.normal(0, 0.1, shape)
        positive = name.endswith("running_var") or name == "scale_cls"
        return rng.uniform(0.5, 1.5, shape) - (0 if positive else 0.4)

    weights = {name: draw(name, shape).astype(np.float32) for name, shape in shapes.items()}
    return weights | {"bn1.num_batches_tracked": np.array(3)}


BACKBONE = released(wrn_shapes(10, 1), seed=0)
CLASSIFIER = released(classifier_shapes(WAY, DIM), seed=1)


@pytest.fixture
def trained():
    """K and eta stored in the classifier's file; none by default."""
    return {}


@pytest.fixture
def files(tmp_path, monkeypatch, trained):
    """Two files, and a fake reader that selects weights by the first word of a file."""
    content = {b"phi": BACKBONE, b"sib": CLASSIFIER}
    monkeypatch.setattr(
        checkpoints, "read", lambda file, network: content[file.read_bytes().split()[0]]
    )
    monkeypatch.setattr(checkpoints, "hyperparameters", lambda file: trained)
    backbone, classifier = tmp_path / "netFeat.pth", tmp_path / "netSIB.pth"
    backbone.write_text("phi")
    classifier.write_text("sib")
    return {"backbone": backbone, "classifier": classifier}


def test_phi_standardises_pixels_and_then_is_the_released_backbone(tmp_path, files):
    convert(tmp_path / "out", files)
    phi = keras.saving.load_model(tmp_path / "out/backbone.keras")
    backbone = registry.build(NAME, 32)
    released_weights.assign(backbone, BACKBONE)
    images = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3), np.uint8)
    expected = backbone(((images - MEAN) / DEVIATION).astype(np.float32), training=False)
    np.testing.assert_allclose(phi(images, training=False), expected, atol=1e-4)


def test_the_classifier_has_the_weights_of_the_file_and_k_and_eta_of_the_config(tmp_path, files):
    convert(tmp_path / "out", files, {"meta.num_steps": 2, "meta.step_size": 0.5})
    model = keras.saving.load_model(tmp_path / "out/model.keras")
    assert (model.way, model.feature_dim, model.num_steps, model.step_size) == (WAY, DIM, 2, 0.5)
    np.testing.assert_array_equal(
        model.xi.perceptron.dense1.kernel, CLASSIFIER["dni.layer1.0.weight"].T
    )
    assert float(model.decoder.scale) == CLASSIFIER["scale_cls"][0]


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ({"num_steps": 5, "step_size": 1e-3}, r"config\.meta\.num_steps=5, not 3: set the"),
        ({"num_steps": 3, "step_size": 0.01}, r"config\.meta\.step_size=0\.01, not 0\.001: "),
    ],
)
def test_another_k_or_eta_than_in_training_is_refused(tmp_path, files, words):
    with pytest.raises(UserError, match=r"netSIB\.pth was written with " + words):
        convert(tmp_path / "out", files)
    assert not (tmp_path / "out").exists()


def test_a_finished_folder_is_not_replaced(tmp_path, files):
    convert(tmp_path / "out", {"backbone": files["backbone"]})
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["backbone.keras"]
    with pytest.raises(UserError, match="out exists: delete it first"):
        convert(tmp_path / "out", files)


@pytest.mark.slow
def test_the_pipeline_accepts_converted_weights(tmp_path, files):
    fields = {"data.classes": (5, 5, 5), "meta.num_steps": 1, "eval.num_steps": 1}
    config = make_config(fields)
    convert(tmp_path / "out", files, fields)
    for step in families.steps(config, Options(weights=tmp_path / "out")):
        execute(step, families.read(config), tmp_path / "work")
    report = json.loads((tmp_path / "work/evaluation/report.json").read_text())
    assert report["backbone"] == NAME
    assert not (tmp_path / "work/features/train").exists()
    for folder, file in (("backbone", "backbone.keras"), ("model", "model.keras")):
        record = json.loads((tmp_path / f"work/{folder}/step.json").read_text())
        assert record["counts"] == {"copied_from": str(tmp_path / "out" / file)}


@pytest.mark.slow
def test_a_converted_backbone_alone_gets_a_classifier_trained(tmp_path, files):
    convert(tmp_path / "out", {"backbone": files["backbone"]})
    steps = families.steps(make_config(), Options(weights=tmp_path / "out"))
    folders = {step.folder for step in steps}
    assert {"features/train", "episodes/train-balanced"} < folders


@pytest.mark.parametrize(
    ("fields", "swap", "words"),
    [
        (
            {"phi.backbone": "conv4_16"},
            False,
            r"netFeat\.pth does not fit config\.phi\.backbone: Missing",
        ),
        (
            {"phi.backbone": "wrn_10_2"},
            False,
            r"netFeat\.pth does not fit config\.phi\.backbone: .*convShortcut",
        ),
        ({}, True, r"netSIB\.pth does not fit config\.phi\.backbone: Missing weights"),
        (
            {"episodes.way": 4},
            False,
            r"netSIB\.pth does not fit config\.episodes\.way.*dni\.layer1\.0\.weight",
        ),
        (
            {"meta.synthetic_gradient": "set"},
            False,
            r"netSIB\.pth .*config\.meta\.synthetic_gradient: .*dense",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_named_in_one_line(tmp_path, files, fields, swap, words):
    if swap:
        files["backbone"], files["classifier"] = files["classifier"], files["backbone"]
    with pytest.raises(UserError, match=words) as error:
        convert(tmp_path / "out", files, fields)
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_data_set_without_published_statistics_is_named(tmp_path, files, monkeypatch):
    monkeypatch.delitem(conversion.CHANNELS, "glyphs")
    with pytest.raises(UserError, match=r'config\.data\.name="glyphs".*cifar_fs.*mini_imagenet'):
        convert(tmp_path / "out", files)


def test_checkpoints_written_by_pytorch(tmp_path):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is an extra, not in requirements.txt: pip install torch"
    )
    tensors = {
        "netFeat": {name: torch.tensor(array) for name, array in BACKBONE.items()},
        "SIB": {name: torch.tensor(array) for name, array in CLASSIFIER.items()},
    }
    backbone, classifier = tmp_path / "netFeatBest.pth", tmp_path / "netSIBBest.pth"
    torch.save(tensors["netFeat"], backbone)
    torch.save({"lr": 1e-3, "nbStep": 3, **tensors}, classifier)
    convert(tmp_path / "out", {"backbone": backbone, "classifier": classifier})
    phi = keras.saving.load_model(tmp_path / "out/backbone.keras")
    kernel = phi.get_layer(NAME).get_layer("conv1").kernel
    np.testing.assert_array_equal(kernel[1, 2, 0, 5], BACKBONE["conv1.weight"][5, 0, 1, 2])
    model = keras.saving.load_model(tmp_path / "out/model.keras")
    np.testing.assert_array_equal(model.initialization.diagonal, CLASSIFIER["wnLayerFavg.weight"])


@pytest.mark.slow
def test_the_job_names_a_missing_file(tmp_path):
    flags = ("--config=configs/cifar_fs.py", "--backbone=netFeatBest.pth")
    result = job("import_reference", *flags, f"--output={tmp_path / 'out'}")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "netFeatBest.pth is no file" in result.stderr.strip().splitlines()[-1]
