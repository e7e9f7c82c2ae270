"""What was written before configs had sections is still valid: records, reports, whole folders."""

import csv
import dataclasses
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import glyphs, image_folder, spinning_lines
from sib_tf.base.errors import UserError
from sib_tf.experiments import families, publishing
from sib_tf.experiments.configuration import flattened
from sib_tf.experiments.execution import execute
from sib_tf.experiments.flat_configs import in_sections
from sib_tf.experiments.options import Options
from sib_tf.features import feature_table
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict import prediction

GLYPHS = {
    "seed": 0,
    "dataset": "glyphs",
    "data_seed": 0,
    "images_per_class": 80,
    "classes": [24, 5, 5],
    "backbone": "conv4_16",
    "pretrain_epochs": 14,
    "pretrain_batch_size": 64,
    "pretrain_learning_rate": 0.3,
    "pretrain_warmup_steps": 20,
    "pretrain_precision": "float32",
    "l2": 5e-4,
    "crop_size": 32,
    "crop_padding": 4,
    "flip": False,
    "color_jitter": 0.4,
    "average_shift": 0,
    "views": 2,
    "way": 5,
    "shot": 1,
    "queries_per_class": 15,
    "queries": None,
    "dirichlet_alpha": 2.0,
    "train_query_shares": "balanced",
    "test_query_shares": ["balanced", "dirichlet"],
    "train_episodes": 1000,
    "validation_episodes": 50,
    "test_episodes": 100,
    "synthetic_gradient": "dense",
    "hidden_units": None,
    "num_steps": 3,
    "step_size": 1e-3,
    "train_steps": 3000,
    "episodes_per_step": 1,
    "steps_per_call": 100,
    "steps_per_epoch": 1500,
    "learning_rate": 2e-2,
    "train_l2": None,
    "eval_num_steps": 3,
    "export_name": "glyphs_tiny",
}
LINES = {
    "seed": 0,
    "dataset": "spinning_lines",
    "num_points": 32,
    "mu": 0.0,
    "sigma": 1.0,
    "mu_w": 1.0,
    "sigma_w": 0.1,
    "test_mu": 0.0,
    "train_tasks": 240,
    "test_tasks": 240,
    "num_steps": 3,
    "step_size": 1e-3,
    "train_steps": 10_000,
    "episodes_per_step": 48,
    "steps_per_call": 50,
    "steps_per_epoch": 50,
    "learning_rate": 0.1,
    "l2": 0.0,
    "eval_num_steps": 6,
}


@pytest.mark.parametrize(
    ("flat", "config"),
    [(GLYPHS, glyphs.get_config("tiny")), (LINES, spinning_lines.get_config())],
    ids=("glyphs", "spinning_lines"),
)
def test_a_converted_flat_config_equals_the_current_config(flat, config):
    before = json.dumps(flat)
    found = in_sections(flat)
    assert found.pop("family", "few_shot") == config.family
    found = dict(flattened(found))
    family = families.FAMILIES[config.family]
    checked = families.read(config)
    expected = dict(flattened(checked.record(["seed", *family.sections])))
    assert {**checked.defaults(), **found} == expected
    newer = {"export.max_queries", "meta.initialization", "meta.optimizer", "meta.clip_norm"}
    newer |= {"eval.methods"}
    newer |= {"meta.ways", "meta.shots", "meta.queries", "meta.feature_noise"}
    newer |= {path for path in expected if path.startswith("grid.")}
    assert expected.keys() - found.keys() <= newer
    assert json.dumps(flat) == before


@pytest.mark.parametrize(
    ("l2", "expected"),
    [
        ({"l2": 0.5}, (0.5, 0.5)),
        ({"l2": 0.5, "train_l2": None}, (0.5, 0.5)),
        ({"l2": 0.5, "train_l2": 0.1}, (0.5, 0.1)),
        ({"l2": 0.5, "train_l2": 0.0}, (0.5, 0.0)),
    ],
)
def test_a_single_l2_is_that_of_both_trainings(l2, expected):
    found = in_sections({"backbone": "conv4_4", "num_steps": 3, **l2})
    assert (found["phi"]["l2"], found["meta"]["l2"]) == expected
    assert found.keys() == {"phi", "meta"}


def test_l2_goes_to_the_section_of_the_recorded_training():
    phi, meta = {"backbone": "conv4_4", "l2": 0.5}, {"num_steps": 3, "l2": 0.5}
    assert in_sections(phi) == {"phi": {"backbone": "conv4_4", "l2": 0.5}}
    assert in_sections(meta) == {"meta": {"num_steps": 3, "l2": 0.5}}


@pytest.mark.parametrize(
    ("way", "queries", "expected"), [(5, 76, 75), (5, 75, 75), (5, 79, 75), (5, 3, 5), (4, 9, 8)]
)
def test_selection_queries_are_those_of_the_experiment_made_balanced(way, queries, expected):
    flat = {"backbone": "conv4_4", "way": way, "queries": queries, "queries_per_class": 15}
    assert in_sections(flat)["phi"] == {
        "backbone": "conv4_4",
        "selection_way": way,
        "selection_queries": expected,
    }


def test_selection_queries_follow_from_queries_per_class():
    flat = {"backbone": "conv4_4", "way": 4, "queries": None, "queries_per_class": 6}
    assert in_sections(flat)["phi"]["selection_queries"] == 24


@pytest.mark.parametrize(
    ("flat", "expected"),
    [
        ({"dataset": "cifar_fs"}, {"data": {"name": "cifar_fs"}}),
        (
            {
                **{"dataset": "image_folder", "data_dir": "mine", "image_size": 84, "data_seed": 3},
                **{f"{split}_classes": [split] for split in ("train", "validation", "test")},
            },
            {
                "data": {
                    **{"name": "class_folders", "root": "mine", "image_size": 84, "seed": 3},
                    "train_classes": ["train"],
                    "validation_classes": ["validation"],
                    "test_classes": ["test"],
                }
            },
        ),
        # A record of episodes, which has no fields of phi
        (
            {"way": 5, "shot": 1, "queries": 10, "seed": 2, "train_episodes": 7},
            {
                "episodes": {"way": 5, "shot": 1, "queries": 10},
                "seed": 2,
                "meta": {"train_episodes": 7},
            },
        ),
        ({"test_tasks": 3, "test_mu": 1.0}, {"tasks": {"test": 3, "test_mu": 1.0}}),
        ({}, {}),
        ({"seed": 2}, {"seed": 2}),
    ],
)
def test_each_field_of_a_record_goes_into_its_section(flat, expected):
    assert in_sections(flat) == expected


@pytest.mark.parametrize("config", [glyphs, image_folder, spinning_lines])
def test_a_config_in_sections_is_unchanged(config):
    nested = config.get_config().to_dict()
    assert in_sections(nested) == nested
    for name, section in nested.items():
        assert in_sections({name: section}) == {name: section}


FOLDERS = (
    "data",
    "episodes/train-balanced",
    "episodes/validation-balanced",
    "episodes/test-balanced",
    "episodes/test-dirichlet",
    "backbone",
    "features/train",
    "features/validation",
    "features/test",
    "model",
    "evaluation",
    "export",
    "prediction",
)


def make_config():
    """The config of the working directory, where it is recorded in flat form."""
    config = ConfigDict()
    config.family = "few_shot"
    config.seed = 0
    config.data = ConfigDict()
    config.data.name = "glyphs"
    config.data.seed = 0
    config.data.images_per_class = 8
    config.data.classes = (4, 2, 2)
    config.phi = ConfigDict()
    config.phi.backbone = "conv4_4"
    config.phi.crop_size = 32
    config.phi.crop_padding = 4
    config.phi.flip = False
    config.phi.color_jitter = 0.4
    config.phi.average_shift = 0
    config.phi.epochs = 2
    config.phi.batch_size = 8
    config.phi.learning_rate = 0.3
    config.phi.warmup_steps = 2
    config.phi.l2 = 5e-4
    config.phi.precision = "float32"
    config.phi.selection_way = 2
    config.phi.selection_queries = 4
    config.features = ConfigDict({"views": 1})
    config.episodes = ConfigDict()
    config.episodes.way = 2
    config.episodes.shot = 1
    config.episodes.queries_per_class = 2
    config.episodes.dirichlet_alpha = 2.0
    config.meta = ConfigDict()
    config.meta.synthetic_gradient = "set"
    config.meta.num_steps = 2
    config.meta.step_size = 1e-3
    config.meta.query_shares = "balanced"
    config.meta.train_episodes = 20
    config.meta.validation_episodes = 10
    config.meta.steps = 40
    config.meta.episodes_per_step = 1
    config.meta.steps_per_call = 10
    config.meta.steps_per_epoch = 20
    config.meta.learning_rate = 2e-2
    config.meta.l2 = 5e-4
    config.eval = ConfigDict()
    config.eval.episodes = 10
    config.eval.query_shares = ("balanced", "dirichlet")
    config.eval.num_steps = 2
    config.export = ConfigDict({"name": "tiny"})
    return config


CONFIG = families.read(make_config())


@pytest.fixture
def work(tmp_path):
    """A finished working directory of the last version without sections.

    It lacks files that nothing reads any more: checkpoints, pictures and the images of training and
    validation.
    """
    folder = tmp_path / "work"
    with tarfile.open(Path(__file__).parents[1] / "data/before_sections.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def steps_of(name):
    return families.steps_of(make_config(), name)


def remove(work, *folders):
    for folder in folders:
        shutil.rmtree(work / folder)


def test_every_step_of_an_old_working_directory_is_finished(work):
    steps = families.steps(make_config())
    assert sorted(step.folder for step in steps) == sorted(FOLDERS)
    for step in steps:
        assert "phi" not in json.loads((work / step.folder / "step.json").read_text())["config"]
        assert not execute(step, CONFIG, work)


@pytest.mark.parametrize(
    ("path", "old", "new", "refused"),
    [
        ("seed", "0", 1, {*FOLDERS} - {"data"}),
        ("data.images_per_class", "8", 9, {*FOLDERS}),
        (
            "phi.selection_queries",
            "4",
            6,
            {folder for folder in FOLDERS if folder != "data" and "episodes" not in folder},
        ),
        ("features.views", "1", 2, {"features/train", *FOLDERS[9:]}),
        ("episodes.shot", "1", 2, {*FOLDERS[1:5], *FOLDERS[9:]}),
        ("meta.l2", "0.0005", 0.1, {*FOLDERS[9:]}),
        ("eval.num_steps", "2", 3, {*FOLDERS[10:]}),
        ("export.name", "'tiny'", "other", {*FOLDERS[11:]}),
    ],
)
def test_another_config_is_refused_by_the_steps_that_read_the_field(work, path, old, new, refused):
    config = make_config()
    config.update_from_flattened_dict({path: new})
    found = set()
    for step in families.steps(config):
        alone = dataclasses.replace(step, requires=(), reads=step.all_reads())
        try:
            assert not execute(alone, families.read(config), work)
        except UserError as error:
            assert f"{step.folder} was written with config.{path}={old}, not {new!r}" in str(error)
            found.add(step.folder)
    assert found == refused


def test_a_killed_training_with_a_flat_config_resumes(work):
    remove(work, "evaluation", "export", "prediction")
    (work / "model").rename(work / "model.part")
    record = work / "model.part/step.json"
    record.rename(record.with_name("config.json"))
    (train,) = steps_of("train")

    def run(context):
        assert (context.folder / "model.keras").exists()
        return {"steps": 40}

    with pytest.raises(UserError, match=r"model\.part was written with config\.meta\.l2=0\.0005"):
        config = make_config()
        config.meta.l2 = 0.0
        execute(train, families.read(config), work)
    assert execute(dataclasses.replace(train, run=run), CONFIG, work)
    config = json.loads((work / "model/step.json").read_text())["config"]
    assert config == CONFIG.record(["seed", "data", "phi", "features", "episodes", "meta"])


def test_an_old_result_is_published_with_its_config_in_sections(work, tmp_path):
    (evaluate,) = steps_of("evaluate")
    weights = families.weights(make_config(), work, work)
    publishing.publish(
        tmp_path / "published",
        workdir=work,
        base=work,
        config=CONFIG,
        evaluations=[evaluate],
        command="python -m jobs.pipeline",
        weights=weights,
    )
    content = json.loads((tmp_path / "published/report.json").read_text())
    assert content["config"] == CONFIG.record(evaluate.all_reads())
    assert content["results"] == report(work)["results"]
    assert content["seconds"].keys() == {
        *("build_dataset", "build_episodes", "pretrain", "embed", "train", "evaluate")
    }


def test_weights_with_an_old_report_are_accepted(work, tmp_path):
    weights = tmp_path / "published"
    weights.mkdir()
    for file in ("backbone/backbone.keras", "model/model.keras"):
        shutil.copy(work / file, weights)
    flat = json.loads((work / "evaluation/step.json").read_text())["config"]
    assert {"backbone", "train_steps"} <= flat.keys()
    (weights / "report.json").write_text(json.dumps({"config": flat}))
    steps = families.steps(make_config(), Options(weights=weights))[:2]
    assert [step.name for step in steps] == ["pretrain", "train"]
    for step in steps:
        assert execute(step, CONFIG, tmp_path / "new")
    config = make_config()
    config.meta.l2 = 0.0
    with pytest.raises(UserError, match=r"report\.json was written with config\.meta\.l2=0\.0005"):
        execute(steps[1], families.read(config), tmp_path / "other")


def report(work):
    return json.loads((work / "evaluation/report.json").read_text())


def predictions(folder):
    """File, label and status of each row, and the probabilities of all classes."""
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    probabilities = [[float(row[name]) for name in row if name.startswith("p(")] for row in rows]
    return [(row["file"], row["label"], row["status"]) for row in rows], np.array(probabilities)


def assert_same_predictions(folder, expected):
    found = predictions(folder)
    assert found[0] == expected[0]
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=5e-5)


@pytest.mark.slow
def test_an_old_export_classifies_as_it_did(work, tmp_path):
    expected = predictions(work / "prediction")
    assert expected[1].shape == (4, 2)
    remove(work, "prediction")
    (predict,) = steps_of("predict")
    assert execute(predict, CONFIG, work)
    assert_same_predictions(work / "prediction", expected)
    outcome = prediction.classify_folder(
        model=ExportedModel(work / "export/tiny/1"),
        support=work / "evaluation/episode/support",
        query=work / "evaluation/episode/query",
        output=tmp_path / "mine",
    )
    assert (len(outcome.labels), outcome.unreadable) == (4, 0)
    assert_same_predictions(tmp_path / "mine", expected)


@pytest.mark.slow
def test_old_features_episodes_and_model_are_evaluated_as_they_were(work):
    expected = report(work)
    images = sorted(file.read_bytes() for file in work.glob("evaluation/episode/**/*.png"))
    remove(work, "evaluation")
    (evaluate,), (export,) = steps_of("evaluate"), steps_of("export")
    assert execute(evaluate, CONFIG, work)
    found = report(work)
    assert len(expected["results"]) == len(found["results"]) == 8
    for old, new in zip(expected["results"], found["results"], strict=True):
        assert new.keys() - old.keys() == {"differences"}  # newer than the old report
        for name in ("accuracy", "ci95"):
            assert new[name] == pytest.approx(old[name], abs=1e-6)
        assert new["ece"] == pytest.approx(old["ece"], abs=1e-5)
        same = old.keys() - {"accuracy", "ci95", "ece", "reliability", "seconds"}
        assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert {**found, "results": None} == {**expected, "results": None}
    assert images == sorted(file.read_bytes() for file in work.glob("evaluation/episode/**/*.png"))
    with pytest.raises(UserError, match="export was made from an earlier evaluation: delete it"):
        execute(export, CONFIG, work)


@pytest.mark.slow
def test_an_old_backbone_embeds_old_images_as_it_did(work):
    expected = feature_table.read(work / "features/test/records")
    remove(work, "features/test", "evaluation", "export", "prediction")
    (embed,) = (step for step in steps_of("embed") if step.folder == "features/test")
    assert execute(embed, CONFIG, work)
    found = feature_table.read(work / "features/test/records")
    assert found.features.shape == (1, 16, 16)
    # Features are up to 300, and CPUs differ in the seventh digit.
    np.testing.assert_allclose(found.features, expected.features, rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(found.labels, expected.labels)
