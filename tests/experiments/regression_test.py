"""The zero-shot regression from its config to the report, as a user runs it."""

import json

import numpy as np
import pytest

from configs import glyphs, spinning_lines
from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.experiments import execution, families
from sib_tf.experiments.options import Options
from sib_tf.training.callbacks.epoch_log import LogEpochs


def make_config(fields=None):
    """The spinning-lines config with fields changed, by path."""
    config = spinning_lines.get_config()
    config.update_from_flattened_dict(fields or {})
    return config


def run(folder, config):
    for step in families.steps(config):
        execution.execute(step, families.read(config), folder)
    return json.loads((folder / "evaluation" / "report.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lines")
    # An epoch of 500 * 50 tasks ends amid the 240, so that a wrong position in the data shows.
    config = make_config(
        {
            "meta.steps": 1500,
            "meta.steps_per_epoch": 500,
            "meta.episodes_per_step": 50,
            "tasks.test": 100,
        }
    )
    return folder, config, run(folder, config)


@pytest.mark.slow
def test_steps_lead_to_the_exact_posterior_of_unseen_tasks(finished):
    _, _, report = finished
    kl = {row["num_steps"]: row["kl"] for row in report["results"] if row["split"] == "test"}
    assert [*kl] == [0, 1, 2, 3, 4, 5, 6]
    # The best constant has 1.56; a seventh of the config's training steps gets this far.
    assert kl[3] < 0.15 < kl[0]
    assert min(kl, key=kl.get) == 3, "the K of training"


@pytest.mark.slow
def test_the_report_describes_training(finished):
    _, _, report = finished
    assert report["kl_of_best_constant"] == pytest.approx(1.5625)
    assert report["tasks"] == {"train": 240, "test": 100}
    assert {row["seed"] for row in report["results"]} == {0}
    for split in ("train", "test"):
        rows = [row for row in report["training"] if row["split"] == split]
        assert [row["step"] for row in rows] == [0, 500, 1000, 1500]
        # A fresh model stays near theta = 0, where KL is mean(w^2) / (2 * 0.1^2) = 51.6 on average.
        assert 45 < rows[0]["kl"] < 60
        at_the_end = {
            (row["split"], row["num_steps"]): (row["kl"], row["mse"]) for row in report["results"]
        }
        # The weights of the last epoch are kept.
        assert (rows[-1]["kl"], rows[-1]["mse"]) == pytest.approx(at_the_end[split, 3], rel=1e-4)


@pytest.mark.slow
def test_pictures_and_page_are_complete_and_reproducible(finished, tmp_path):
    folder, config, report = finished
    pictures = sorted(p.name for p in (folder / "evaluation/pictures").iterdir())
    assert pictures == [
        "divergence_in_training.png",
        "divergence_vs_steps.png",
        "posteriors.png",
        "spinning_lines.png",
    ]
    page = (folder / "evaluation/report.html").read_text()
    assert page.count("<img") == 4
    kl = next(r for r in report["results"] if (r["split"], r["num_steps"]) == ("test", 3))["kl"]
    assert f"to {kl:.3f} nats" in page
    (folder / "evaluation").rename(tmp_path / "before")
    run(folder, config)
    assert (folder / "evaluation/report.html").read_text() == page


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_even_after_an_interrupt(
    finished, tmp_path, monkeypatch, caplog
):
    folder, config, report = finished

    def interrupt(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LogEpochs, "on_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, config)
    assert not (tmp_path / "model").exists()
    with caplog.at_level("INFO", logger="sib_tf"):
        resumed = run(tmp_path, config)
    epochs = [text.split(":")[0] for text in caplog.messages if text.startswith("epoch ")]
    assert epochs == ["epoch 3 of 3"]
    models = [keras_file.load(f / "model/model.keras") for f in (folder, tmp_path)]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
    assert resumed == report, "step 0 included"


@pytest.mark.slow
def test_few_tasks_are_shown_once_each(tmp_path):
    fields = {"meta.steps": 10, "meta.steps_per_epoch": 10, "meta.steps_per_call": 10}
    run(tmp_path, make_config({**fields, "tasks.test": 2}))
    page = (tmp_path / "evaluation/report.html").read_text()
    assert page.count("task 2: from") == 1
    assert "task 3" not in page


def test_test_tasks_differ_from_training_and_may_have_another_mean():
    tasks = families.read(make_config({"tasks.test_mu": 5.0})).tasks.draw(seed=0)
    assert not np.isin(tasks["test"].x, tasks["train"].x).any()
    # 240 * 32 inputs: a standard error of 0.011
    assert tasks["train"].x.mean() == pytest.approx(0, abs=0.06)
    assert tasks["test"].x.mean() == pytest.approx(5, abs=0.06)
    assert (tasks["train"].family.mu, tasks["test"].family.mu) == (0, 5)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("seed", -1, r"config\.seed=-1 must be at least 0"),
        ("tasks.test", 0, r"config\.tasks\.test=0 must be at least 1"),
        ("tasks.num_points", 0, r"config\.tasks\.num_points=0 must be at least 1"),
        ("tasks.mu", float("nan"), r"config\.tasks\.mu=nan must be finite"),
        ("tasks.mu_w", float("inf"), r"config\.tasks\.mu_w=inf must be finite"),
        ("tasks.test_mu", float("nan"), r"config\.tasks\.test_mu=nan must be finite"),
        ("meta.num_steps", 0, r"config\.meta\.num_steps=0 must be at least 1"),
        ("meta.step_size", 0.0, r"config\.meta\.step_size=0\.0 must be positive"),
        (
            "eval.num_steps",
            2,
            r"config\.eval\.num_steps=2 must be at least config\.meta\.num_steps=3",
        ),
    ],
)
def test_a_field_out_of_range_is_refused(field, value, words):
    with pytest.raises(UserError, match=f"^{words}") as error:
        families.steps(make_config({field: value}))
    assert len(str(error.value).splitlines()) == 1


def test_a_missing_field_is_named():
    config = make_config()
    del config.eval.num_steps
    with pytest.raises(UserError, match=r"no field `eval\.num_steps`: add it to the config file"):
        families.steps(config)


def test_a_config_of_the_other_family_does_not_fit():
    config = make_config()
    config.family = "few_shot"
    with pytest.raises(UserError, match=r'^config\.data\.name="None" is unknown: use one of'):
        families.steps(config)
    config = glyphs.get_config()
    config.family = "regression"
    with pytest.raises(UserError, match=r"^config\.meta\.\w+ is unknown: use steps, "):
        families.steps(config)


def test_jobs_of_the_other_family_are_refused(tmp_path):
    with pytest.raises(UserError, match="zero-shot regression has no step embed, only train, eval"):
        families.steps_of(make_config(), "embed")
    with pytest.raises(UserError, match="--weights is for few-shot classification"):
        families.steps(make_config(), Options(weights=tmp_path))
    assert families.steps_of(glyphs.get_config("tiny"), "embed")
