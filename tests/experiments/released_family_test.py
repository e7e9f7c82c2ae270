"""Released weights are exported without their data."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from ml_collections import ConfigDict

from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.serving import model_card, warmup
from sib_tf.serving.exported_model import ExportedModel
from tests.experiments import small_head
from tests.running import ROOT, job

SIZE = 8
ROW = {
    "synthetic_gradient": "general",
    "way": 5,
    "shot": 1,
    "query": 75,
    "query_shares": "balanced",
    "train_query_shares": "varied",
    "ci95": 0.004,
    "ece": 0.031,
}
REPORT = {
    "config": {"data": {"name": "glyphs"}},
    "dataset": "glyphs",
    "backbone": "mean_colour",
    "split": "test",
    "episodes": 2000,
    "seed": 0,
    "num_steps": 2,
    "step_size": 0.5,
    "results": [
        {**ROW, "method": "prototypes", "num_steps": 0, "accuracy": 0.799},
        {**ROW, "method": "sib", "num_steps": 2, "accuracy": 0.917},
    ],
}


@pytest.fixture
def weights(tmp_path):
    """A folder as `jobs.publish --weights` writes it: phi is the mean of each channel."""
    folder = tmp_path / "results"
    folder.mkdir()
    images = keras.Input((SIZE, SIZE, 3))
    keras.Model(images, keras.ops.mean(images, axis=(1, 2))).save(folder / "backbone.keras")
    shutil.move(small_head.save(tmp_path, num_steps=2, step_size=0.5), folder / "model.keras")
    (folder / "report.json").write_text(json.dumps(REPORT))
    return folder


def export(weights, workdir, **fields):
    """Runs the only step; returns the exported model."""
    exported = {"name": "mine", **fields}
    config = ConfigDict(
        {"family": "released", "weights": {"folder": str(weights)}, "export": exported}
    )
    (step,) = families.steps(config)
    execute(step, families.read(config), workdir)
    return workdir / "export/mine/1"


def test_the_export_answers_as_the_weights_and_says_what_they_are(weights, tmp_path):
    version = export(weights, tmp_path / "work", max_queries=7)
    model = ExportedModel(version)
    assert (model.num_classes, model.image_size, model.max_queries) == (None, (SIZE, SIZE), 7)
    rng = np.random.default_rng(0)
    support, query = (rng.normal(size=(n, 3)).astype(np.float32) for n in (6, 5))
    labels = np.array([0, 1, 2, 0, 1, 2], np.int32)
    inputs = {"support_features": support, "support_labels": labels, "query_features": query}
    head = keras.saving.load_model(weights / "model.keras").for_serving()
    path = tf.nn.softmax(head.logits_path({name: x[np.newaxis] for name, x in inputs.items()}))
    found = model.classify_features(support, labels, query)
    np.testing.assert_allclose(found.probabilities, path[-1, 0], atol=1e-6)
    np.testing.assert_allclose(found.inductive_probabilities, path[0, 0], atol=1e-6)

    card = (version / model_card.FILE).read_text()
    assert "Data set: glyphs; backbone: mean_colour; seed 0." in card
    assert "classes of its three splits" in card
    assert "| 2 | 91.7 ± 0.4 |" in card
    assert (version / warmup.FILE).stat().st_size > 1000


def without_report(folder):
    (folder / "report.json").unlink()


def damaged_report(folder):
    (folder / "report.json").write_text('{"dataset": ')


def other_report(folder):
    (folder / "report.json").write_text('{"results": []}')


def damaged_head(folder):
    (folder / "model.keras").write_bytes(b"PK")


def other_head(folder):
    shutil.copy(folder / "backbone.keras", folder / "model.keras")


def head_of_other_features(folder):
    small_head.save(folder, feature_dim=64, initialization="prototypes")
    (folder / "head.keras").rename(folder / "model.keras")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shutil.rmtree, r"holds no backbone\.keras: name a folder of results with weights\.$"),
        (without_report, r"holds no report\.json: name a folder of results with weights\.$"),
        (damaged_report, r"its report\.json is damaged"),
        (other_report, r"its report\.json is no report of few-shot classification"),
        (damaged_head, r"model\.keras is not a model that can be loaded"),
        (other_head, r"its model\.keras is no few-shot classifier"),
        (head_of_other_features, r"is for 64 features, and its backbone\.keras makes 3: they are"),
    ],
)
def test_a_folder_that_holds_no_weights_that_fit_is_refused(weights, tmp_path, change, words):
    change(weights)
    with pytest.raises(UserError, match=f"{weights}.*{words}") as error:
        export(weights, tmp_path / "work")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "work/export").exists()


def test_an_export_of_other_weights_is_not_taken_for_these(weights, tmp_path):
    export(weights, tmp_path / "work")
    (weights / "report.json").write_text(json.dumps({**REPORT, "seed": 1}))
    with pytest.raises(UserError, match=r"was written with config\.weights\.sha256="):
        export(weights, tmp_path / "work")
    with pytest.raises(UserError, match=r"was written with config\.export\.max_queries=10000"):
        export(weights, tmp_path / "work", max_queries=7)


def test_every_released_report_makes_a_card():
    folders = [file.parent for file in ROOT.glob("results/*/*/model.keras")]
    assert len(folders) >= 7
    for folder in folders:
        report = json.loads((folder / "report.json").read_text())
        card = model_card.render("mine", report)
        assert f"Data set: {report['dataset']}; backbone: {report['backbone']}" in card


@pytest.mark.slow
def test_the_job_needs_nothing_but_the_weights(weights, tmp_path):
    result = job("export", f"--weights={weights}", "--max_queries=3", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    name = f"{tmp_path.name}_results"
    assert result.stdout == f"The model is work/{name}/export/{name}\n"
    model = ExportedModel(tmp_path / "work" / name / "export" / name)
    assert (model.image_size, model.max_queries) == ((SIZE, SIZE), 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "name an experiment by --config or released weights by --weights. See --help."),
        (["--weights=x", "--workdir=y"], "--weights=x holds no backbone.keras"),
        (["--weights=x", "--base=y"], "--weights needs no --base: leave it out. See --help."),
        (["--config=configs/glyphs.py"], "is where the experiment of --config is: name it."),
        (["--weights=x", "--max_queries=0"], "--max_queries=0: 0 is not a positive integer"),
    ],
)
def test_flags_that_do_not_fit_are_refused_in_one_line(args, words):
    result = job("export", *args)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert words in line
