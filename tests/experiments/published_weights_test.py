"""Published weights, under `results/` or of a user, are only accepted with their own config."""

import json
import shlex
from pathlib import Path

import pytest
from absl import flags
from ml_collections import ConfigDict, config_flags

from configs import glyphs, image_folder
from sib_tf.base.errors import UserError
from sib_tf.experiments import families, records
from sib_tf.experiments.execution import execute
from sib_tf.experiments.options import Options
from sib_tf.experiments.report_files import REPORT

RESULTS = Path(__file__).parents[2] / "results"
PUBLISHED = sorted({file.parent for file in RESULTS.glob("*/*/*.keras")})


def config_of(command: str) -> ConfigDict:
    words = shlex.split(command)
    parsed = flags.FlagValues()
    config_flags.DEFINE_config_file("config", flag_values=parsed, sys_argv=words)
    flags.DEFINE_string("workdir", None, "", flag_values=parsed)
    parsed(words[2:])
    return parsed.config


def copied_steps(config, weights):
    """The steps that copy these weights, in the order in which they run."""
    steps = families.steps(config, Options(weights=weights))
    return [step for step in steps if step.name in ("pretrain", "train") and not step.requires]


@pytest.mark.parametrize("weights", PUBLISHED, ids=lambda folder: str(folder.relative_to(RESULTS)))
def test_the_command_of_published_weights_makes_their_config(weights, monkeypatch):
    monkeypatch.chdir(RESULTS.parent)
    report = json.loads((weights / REPORT).read_text())
    config = config_of(report["command"])
    steps = copied_steps(config, weights)
    assert {step.weights for step in steps} == {file.name for file in weights.glob("*.keras")}
    paths = sorted({path for step in steps for path in step.reads})
    assert {"seed", "data", "phi", "meta"} <= {*paths}
    checked = families.read(config)
    written = {**checked.defaults(), **records.published_config(weights / REPORT)}
    assert {"seed", "data.name", "phi.epochs", "episodes.shot", "meta.steps"} <= written.keys()
    records.refuse_other(weights, written, checked.record(paths))


def test_weights_of_another_config_name_the_config_to_pass(tmp_path):
    config = glyphs.get_config("tiny")
    weights = tmp_path / "published"
    weights.mkdir()
    (weights / "backbone.keras").write_text("phi")
    (phi,) = copied_steps(config, weights)
    checked = families.read(config)
    published = checked.record(phi.reads)
    report = weights / REPORT
    other = {**published, "phi": {**published["phi"], "epochs": 99}}
    report.write_text(json.dumps({"config": other}))
    with pytest.raises(UserError) as error:
        execute(phi, checked, tmp_path / "work")
    assert str(error.value) == (
        f"{report} was written with config.phi.epochs=99, not 14: pass the --config of its "
        "`command`."
    )
    first = families.steps(config, Options(weights=weights))[0]
    assert first.name == "pretrain", "no work is done before"
    report.write_text(json.dumps({"config": published}))
    assert execute(phi, checked, tmp_path / "work")
    assert (tmp_path / "work/backbone/backbone.keras").read_text() == "phi"


def test_weights_of_another_data_set_name_what_suits_classes_of_ones_own(tmp_path):
    config = image_folder.get_config()
    phi = copied_steps(config, PUBLISHED[0])[0]
    checked = families.read(config)
    words = f"--weights={PUBLISHED[0]} are of a training on cifar_fs, and .* not on class_folders"
    with pytest.raises(UserError, match=f"^{words}: leave out --weights to train. .*`make photogr"):
        execute(phi, checked, tmp_path)


def test_a_report_that_cannot_be_read_is_named(tmp_path):
    config = glyphs.get_config("tiny")
    (tmp_path / "backbone.keras").write_text("phi")
    (tmp_path / REPORT).write_text("{}")
    (phi,) = copied_steps(config, tmp_path)
    with pytest.raises(UserError, match=r"--weights: .*backbone\.keras cannot be used \(KeyError"):
        execute(phi, families.read(config), tmp_path / "work")


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--weights=.* holds no backbone\.keras: name a folder of"):
        families.steps(glyphs.get_config("tiny"), Options(weights=tmp_path))
