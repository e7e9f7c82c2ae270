"""A working directory whose phi and classifier come from files of the released code.

Files are read by a stand-in, except in one test with PyTorch.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from configs import glyphs_tiny
from sib_tf import (
    FewShotClassifier,
    backbones,
    pipeline,
    reference_checkpoints,
    reference_import,
    reference_weights,
)
from sib_tf.errors import UserError
from sib_tf.workdir import execute

MEAN, DEVIATION = (120.0, 110.0, 100.0), (70.0, 60.0, 50.0)
NAME, DIM, WAY = "wrn_10_1", 64, 5


@pytest.fixture(autouse=True)
def published(monkeypatch):
    monkeypatch.setitem(reference_import.CHANNELS, "glyphs", (MEAN, DEVIATION))


def make_config(**fields):
    config = glyphs_tiny.get_config()
    config.update(
        {
            "images_per_class": 40,
            "backbone": NAME,
            "train_episodes": 20,
            "validation_episodes": 10,
            "test_episodes": 10,
            "test_query_shares": ("balanced",),
            **fields,
        }
    )
    return config


def released(model, seed):
    """Released names -> random arrays in PyTorch's layout, with what PyTorch stores besides."""
    rng = np.random.default_rng(seed)

    def draw(name, shape):
        if len(shape) == 4:  # [kh, kw, in, out] -> [out, in, kh, kw]
            return rng.normal(0, 0.1, (shape[3], shape[2], shape[0], shape[1]))
        positive = name.endswith("running_var") or name == "scale_cls"
        return rng.uniform(0.5, 1.5, shape[::-1] or (1,)) - (0 if positive else 0.4)

    variables = reference_weights.variables(model)
    weights = {n: draw(n, tuple(variable.shape)) for n, variable in variables.items()}
    return {n: w.astype(np.float32) for n, w in weights.items()} | {
        "bn1.num_batches_tracked": np.array(3)
    }


BACKBONE = released(backbones.build(NAME, 32), seed=0)
CLASSIFIER = released(FewShotClassifier(WAY, DIM), seed=1)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two files, and a reader that takes their first word for what they hold."""
    content = {b"phi": BACKBONE, b"sib": CLASSIFIER}
    monkeypatch.setattr(
        reference_checkpoints, "read", lambda file, network: content[file.read_bytes().split()[0]]
    )
    backbone, classifier = tmp_path / "netFeat.pth", tmp_path / "netSIB.pth"
    backbone.write_text("phi")
    classifier.write_text("sib")
    return {"backbone": backbone, "classifier": classifier}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    config = make_config()
    execute(pipeline.step(config, "build_dataset"), config, folder)
    return folder


@pytest.fixture
def workdir(prepared, tmp_path):
    return Path(shutil.copytree(prepared, tmp_path / "work"))


def test_phi_standardises_pixels_and_then_is_the_released_backbone(workdir, files):
    reference_import.run(make_config(), workdir, **files)
    phi = keras.saving.load_model(workdir / "backbone/backbone.keras")
    backbone = backbones.build(NAME, 32)
    reference_weights.assign(backbone, BACKBONE)
    images = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3), np.uint8)
    expected = backbone(((images - MEAN) / DEVIATION).astype(np.float32), training=False)
    np.testing.assert_allclose(phi(images, training=False), expected, atol=1e-4)


def test_the_classifier_has_the_weights_of_the_file_and_k_and_eta_of_the_config(workdir, files):
    reference_import.run(make_config(num_steps=2, step_size=0.5), workdir, **files)
    model = keras.saving.load_model(workdir / "model/model.keras")
    assert (model.way, model.feature_dim, model.num_steps, model.step_size) == (WAY, DIM, 2, 0.5)
    np.testing.assert_array_equal(
        model.xi.perceptron.dense1.kernel, CLASSIFIER["dni.layer1.0.weight"].T
    )
    assert float(model.decoder.scale) == CLASSIFIER["scale_cls"][0]


def test_without_a_classifier_there_is_a_backbone_to_train_on(workdir, files):
    reference_import.run(make_config(), workdir, backbone=files["backbone"])
    assert (workdir / "backbone/step.json").exists()
    assert not (workdir / "model").exists()


def test_a_base_holds_the_backbone(prepared, tmp_path, files):
    base = Path(shutil.copytree(prepared, tmp_path / "base"))
    reference_import.run(make_config(), tmp_path / "1shot", base, **files)
    assert (base / "backbone/backbone.keras").exists()
    assert (tmp_path / "1shot/model/model.keras").exists()


@pytest.mark.slow
def test_the_other_steps_take_what_was_imported(workdir, files):
    config = make_config()
    reference_import.run(config, workdir, **files)
    ran = [s.folder for s in pipeline.steps(config) if execute(s, config, workdir)]
    assert {"features", "evaluation", "export", "prediction"} <= set(ran)
    assert not {"data", "backbone", "model"} & set(ran)
    report = json.loads((workdir / "evaluation/report.json").read_text())
    assert report["backbone"] == NAME
    assert (workdir / "evaluation/report.html").exists()
    record = json.loads((workdir / "backbone/step.json").read_text())
    assert record["step"] == "import_reference"
    assert record["counts"]["checkpoint"] == str(files["backbone"])


def test_importing_again_changes_nothing_and_another_file_is_refused(workdir, files):
    reference_import.run(make_config(), workdir, **files)
    before = (workdir / "backbone/step.json").read_text()
    reference_import.run(make_config(), workdir, **files)
    files["backbone"].write_text("phi of another day")
    with pytest.raises(UserError, match=r"backbone is not from .*netFeat\.pth: delete"):
        reference_import.run(make_config(), workdir, **files)
    assert (workdir / "backbone/step.json").read_text() == before


@pytest.mark.parametrize(
    ("fields", "swap", "words"),
    [
        ({"backbone": "conv4_16"}, False, r"netFeat\.pth does not fit config\.backbone: Missing"),
        (
            {"backbone": "wrn_10_2"},
            False,
            r"netFeat\.pth does not fit config\.backbone: .*convShortcut",
        ),
        ({}, True, r"netSIB\.pth does not fit config\.backbone: Missing weights"),
        ({"way": 4}, False, r"netSIB\.pth does not fit config\.way.*dni\.layer1\.0\.weight"),
        ({"synthetic_gradient": "set"}, False, r"config\.synthetic_gradient: .*dense"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(workdir, files, fields, swap, words):
    if swap:
        files["backbone"], files["classifier"] = files["classifier"], files["backbone"]
    with pytest.raises(UserError, match=words) as error:
        reference_import.run(make_config(**fields), workdir, **files)
    assert len(str(error.value).splitlines()) == 1


def test_a_data_set_without_published_statistics_is_named(workdir, files, monkeypatch):
    monkeypatch.delitem(reference_import.CHANNELS, "glyphs")
    with pytest.raises(UserError, match=r'config\.dataset="glyphs".*cifar_fs.*mini_imagenet'):
        reference_import.run(make_config(), workdir, **files)


def test_checkpoints_that_pytorch_has_written(workdir, tmp_path):
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
    reference_import.run(make_config(), workdir, backbone=backbone, classifier=classifier)
    phi = keras.saving.load_model(workdir / "backbone/backbone.keras")
    kernel = phi.get_layer(NAME).get_layer("conv1").kernel
    np.testing.assert_array_equal(kernel[1, 2, 0, 5], BACKBONE["conv1.weight"][5, 0, 1, 2])
    model = keras.saving.load_model(workdir / "model/model.keras")
    np.testing.assert_array_equal(model.initialization.diagonal, CLASSIFIER["wnLayerFavg.weight"])


def job(*args):
    return subprocess.run(
        [sys.executable, "-m", "jobs.import_reference", *args],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], ["--backbone"]),
        (["--backbone=netFeatBest.pth"], ["data is missing", "jobs.build_dataset"]),
    ],
)
def test_the_job_ends_with_one_line(tmp_path, args, words):
    result = job("--config=configs/cifar_fs_conv4_64.py", f"--workdir={tmp_path / 'w'}", *args)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr.strip().splitlines()[-1]
