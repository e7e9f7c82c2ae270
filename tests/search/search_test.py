"""The search over configs, with a function of known maximum in place of a training."""

import json
import math

import keras_tuner
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import glyphs
from sib_tf.base.errors import UserError
from sib_tf.search import outcome, space, step
from sib_tf.search.tuner import ALGORITHMS, ConfigTuner, Row, oracle, role
from sib_tf.training.callbacks.divergence import DivergenceError

EPOCHS = 9


def make_space():
    parameters = keras_tuner.HyperParameters()
    parameters.Float("step_size", 1e-4, 1e-1, sampling="log")
    parameters.Int("num_steps", 1, 5)
    return parameters


class Peak:
    """Best at step_size = 0.01 and num_steps = 3; records first and last epoch of each call."""

    def __init__(self, until=math.inf):
        self.calls, self._until = [], until

    def __call__(self, values, folder, epochs):
        if len(self.calls) >= self._until:
            raise KeyboardInterrupt
        checkpoint = folder / "checkpoints/epoch"
        first = int(checkpoint.read_text()) if checkpoint.exists() else 0
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.write_text(str(epochs))
        self.calls.append((first, epochs))
        distance = abs(math.log10(values["step_size"]) + 2) + abs(values["num_steps"] - 3)
        return {"val_accuracy": 1 / (1 + distance), "ci95": 0.01, "seconds": 1.0}


def run(folder, train, algorithm="random", trials=7, seed=0):
    chosen = oracle(algorithm, make_space(), trials=trials, epochs=EPOCHS, seed=seed)
    tuner = ConfigTuner(chosen, folder, train, EPOCHS)
    tuner.run()
    return tuner.rows()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_seed_determines_which_values_are_tried(algorithm, tmp_path):
    one, same = (run(tmp_path / name, Peak(), algorithm) for name in ("one", "same"))
    assert one == same
    other = run(tmp_path / "other", Peak(), algorithm, seed=1)
    assert [row.values for row in one] != [row.values for row in other]
    begun = [tuple(row.values.values()) for row in one if row.epochs == EPOCHS]
    assert len(set(begun)) == len(begun), "no values are tried twice"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_killed_search_resumes_to_the_same_trials(algorithm, tmp_path):
    whole = run(tmp_path / "whole", Peak(), algorithm)
    killed = Peak(until=5)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", killed, algorithm)
    rest = Peak()
    resumed = run(tmp_path / "killed", rest, algorithm)
    assert [row.name for row in resumed] == [row.name for row in whole]
    for one, other in zip(resumed, whole, strict=True):
        # A Gaussian process sees the trials in another order, and rounds differently.
        assert one.values == pytest.approx(other.values, rel=1e-4)
        assert one.epochs == other.epochs
    assert len(killed.calls) + len(rest.calls) == len(whole), "no trial is run twice"


def test_bayesian_search_closes_in_on_the_maximum(tmp_path):
    found = [r.metrics["val_accuracy"] for r in run(tmp_path, Peak(), "bayesian", trials=16)]
    # The first six are random. 1 / (1 + 0.2): within a fifth of a decade, at the right K.
    assert max(found[6:]) > 1 / 1.2
    assert np.mean(found[6:]) > np.mean(found[:6])


def test_hyperband_resumes_from_the_checkpoint_of_an_earlier_trial(tmp_path):
    peak = Peak()
    rows = run(tmp_path, peak, "hyperband")
    # 9 epochs by a factor of 3: brackets that begin with 1, 3 or 9 epochs.
    assert set(peak.calls) == {(0, 1), (1, 3), (3, 9), (0, 3), (0, 9)}
    assert {row.epochs for row in rows} == {1, 3, 9}
    best = {e: max(r.metrics["val_accuracy"] for r in rows if r.epochs == e) for e in (1, 3, 9)}
    assert best[9] >= best[3] >= best[1] * 0.999, "what goes on is the best"
    assert all("tuner/epochs" not in row.values for row in rows)


def test_a_non_finite_loss_ends_a_trial_and_any_other_error_the_search(tmp_path):
    def partly_failing(values, folder, epochs):
        if values["num_steps"] > 2:
            raise DivergenceError("NaN")
        return Peak()(values, folder, epochs)

    rows = run(tmp_path / "partly_failing", partly_failing)
    failed = [row for row in rows if row.metrics is None]
    assert len(rows) == 7
    assert 0 < len(failed) < 7
    assert all((row.values["num_steps"] > 2) == (row in failed) for row in rows)

    def broken(values, folder, epochs):
        raise UserError("The features are damaged.")

    with pytest.raises(UserError, match=r"^The features are damaged\.$"):
        run(tmp_path / "broken", broken)


def test_a_damaged_search_is_named(tmp_path):
    run(tmp_path, Peak(), trials=1)
    (tmp_path / "trials/oracle.json").write_text('{"ongoing')
    with pytest.raises(UserError, match="holds a damaged search"):
        run(tmp_path, Peak(), trials=1)


def test_a_search_does_not_resume_in_another_space(tmp_path):
    space.keep(tmp_path / "space.json", make_space())
    space.keep(tmp_path / "space.json", make_space())
    other = make_space()
    other.Choice("synthetic_gradient", ["dense", "set"])
    with pytest.raises(UserError, match="begun with another --space"):
        space.keep(tmp_path / "space.json", other)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "alone"),
        ({"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "8000"}, "chief"),
        ({"TUNER_ID": "w0", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "8000"}, "worker"),
    ],
)
def test_the_variables_set_the_role_of_a_process(variables, expected, monkeypatch):
    for name in ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT"):
        monkeypatch.delenv(f"KERASTUNER_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    assert role() == expected
    if expected == "chief":
        monkeypatch.delenv("KERASTUNER_ORACLE_PORT")
        with pytest.raises(UserError, match="KERASTUNER_ORACLE_PORT is not set"):
            role()


def row(name, accuracy, values=None, epochs=EPOCHS):
    metrics = {"val_accuracy": accuracy, "ci95": 0.012, "seconds": 31.4}
    return Row(name, values or {}, epochs, metrics if accuracy else None)


def test_the_outcome_is_a_table_and_the_best_of_the_full_trainings(tmp_path):
    config = glyphs.get_config("tiny")
    rows = [
        row("config", 0.5, {"meta.step_size": 1e-3}),
        row("0", None, {"meta.step_size": 0.5}),
        row("1", 0.61, {"meta.step_size": 2.123e-3}),
        row("2", 0.7, {"meta.step_size": 3e-3}, epochs=3),
    ]
    assert outcome.write(tmp_path, rows, config, EPOCHS) == {"trials": 4, "val_accuracy": 0.61}
    assert (tmp_path / "trials.md").read_text().splitlines()[2:] == [
        "| 2 | 0.003 | 3 | 70.0 ± 1.2 | 31 |",
        "| 1 | 0.00212 | 9 | 61.0 ± 1.2 | 31 |",
        "| config | 0.001 | 9 | 50.0 ± 1.2 | 31 |",
        "| 0 | 0.5 | 9 | diverged |  |",
    ]
    written = json.loads((tmp_path / "trials.json").read_text())
    assert [trial["name"] for trial in written] == ["2", "1", "config", "0"]
    assert load(tmp_path / "best.py").meta.step_size == 2.123e-3
    assert config.meta.step_size == 1e-3, "the config itself is left alone"


def test_a_search_without_finite_losses_names_the_remedy(tmp_path):
    with pytest.raises(UserError, match="lower step_size"):
        outcome.write(tmp_path, [row("0", None)], glyphs.get_config("tiny"), EPOCHS)


def load(file) -> ConfigDict:
    namespace = {}
    exec(file.read_text(), namespace)
    return namespace["get_config"]()


def declare(tmp_path, *lines):
    file = tmp_path / "space.py"
    body = ["import keras_tuner", "def get_space():", *(f"    {line}" for line in lines)]
    file.write_text("\n".join(body) + "\n")
    return file


def test_the_space_of_the_few_shot_configs_fits_them():
    from configs import cifar_fs, mini_imagenet
    from configs.search import few_shot

    for config in (cifar_fs.get_config("shot=5"), mini_imagenet.get_config()):
        space.check(few_shot.get_space(), config)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["return 3"], "must return keras_tuner.HyperParameters"),
        (["return keras_tuner.HyperParameters()"], "with something to vary"),
        (["raise ValueError('no')"], r"cannot be loaded: ValueError\('no'\)"),
    ],
)
def test_a_file_that_declares_no_space_is_refused(lines, message, tmp_path):
    file = declare(tmp_path, *lines)
    with pytest.raises(UserError, match=message) as error:
        space.read(file)
    assert f"--space={file}" in str(error.value)


def test_a_missing_file_and_one_without_get_space_are_named(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        space.read(tmp_path / "nowhere.py")
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(UserError, match=r"it has no get_space\(\)"):
        space.read(tmp_path / "empty.py")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("episodes.shot", r"episodes\.shot cannot be searched, only"),  # another task
        ("meta.steps", r"meta\.steps cannot be searched, only"),  # another budget
        ("meta.train_episodes", r"meta\.train_episodes cannot be searched, only"),
        ("phi.epochs", r"phi\.epochs cannot be searched, only"),  # another phi
        ("meta.stepsize", r"meta\.stepsize cannot be searched, only"),
        ("meta.num_steps", r"config\.eval\.num_steps=3 must be at least config\.meta\.num_steps=4"),
        ("meta.step_size", "step_size"),
    ],
)
def test_fields_that_cannot_be_searched_are_refused_before_any_work(name, message):
    parameters = keras_tuner.HyperParameters()
    parameters.Int(name, 0, 4)
    with pytest.raises(UserError, match=message):
        space.check(parameters, glyphs.get_config("tiny"))


def test_a_value_of_another_type_is_refused():
    parameters = keras_tuner.HyperParameters()
    parameters.Choice("meta.num_steps", ["three"])
    with pytest.raises(UserError, match=r"--space: .*num_steps"):
        space.check(parameters, glyphs.get_config("tiny"))


def test_training_episodes_cover_every_trial():
    parameters = keras_tuner.HyperParameters()
    parameters.Choice("meta.query_shares", ["mixture", "balanced"])
    config = glyphs.get_config("tiny")
    assert space.query_shares(parameters, config) == ["balanced", "mixture"]
    assert space.query_shares(make_space(), config) == ["balanced"]
    folders = [s.folder for s in step.steps(config, parameters, "random", 3)]
    assert folders == ["episodes/train-mixture", "search/random-3"]
