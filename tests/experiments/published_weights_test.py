"""Weights under `results/` and those that a user publishes: taken under their own config alone."""

import json
import shlex
from pathlib import Path

import pytest
from absl import flags
from ml_collections import ConfigDict, config_flags

from configs import glyphs_tiny
from sib_tf.base.errors import UserError
from sib_tf.experiments import pipeline
from sib_tf.experiments.workdir import execute, refuse_other, settings

RESULTS = Path(__file__).parents[2] / "results"
PUBLISHED = sorted({file.parent for file in RESULTS.glob("*/*/*.keras")})


def config_of(command: str) -> ConfigDict:
    words = shlex.split(command)
    parsed = flags.FlagValues()
    config_flags.DEFINE_config_file("config", flag_values=parsed, sys_argv=words)
    flags.DEFINE_string("workdir", None, "", flag_values=parsed)
    parsed(words[2:])
    return parsed.config


def copied_fields(config, weights):
    """The fields that the steps which take these weights check."""
    copied = {"pretrain": "backbone.keras", "train": "model.keras"}
    names = [name for name, file in copied.items() if (weights / file).exists()]
    steps = [step for step in pipeline.steps(config, weights) if step.name in names]
    assert len(steps) == len(names) > 0
    return sorted({field for step in steps for field in step.fields})


@pytest.mark.parametrize("weights", PUBLISHED, ids=lambda folder: str(folder.relative_to(RESULTS)))
def test_the_command_of_published_weights_makes_their_config(weights, monkeypatch):
    monkeypatch.chdir(RESULTS.parent)
    report = json.loads((weights / "report.json").read_text())
    config = config_of(report["command"])
    fields = copied_fields(config, weights)
    assert {"seed", "shot", "pretrain_epochs"} <= set(fields)
    refuse_other(weights, report["config"], settings(fields, config))


def test_weights_of_another_config_name_the_config_to_pass(tmp_path):
    config = glyphs_tiny.get_config()
    weights = tmp_path / "published"
    weights.mkdir()
    (weights / "backbone.keras").write_text("phi")
    (phi,) = (step for step in pipeline.steps(config, weights) if step.name == "pretrain")
    published = settings(phi.fields, config)
    report = weights / "report.json"
    report.write_text(json.dumps({"config": {**published, "pretrain_epochs": 99}}))
    with pytest.raises(UserError) as error:
        execute(phi, config, tmp_path / "work")
    assert str(error.value) == (
        f"{report} was written with config.pretrain_epochs=99, not 14: pass the --config of its "
        "`command`."
    )
    assert pipeline.steps(config, weights)[0].name == "pretrain", "no work is done before"
    report.write_text(json.dumps({"config": published}))
    assert execute(phi, config, tmp_path / "work")
    assert (tmp_path / "work/backbone/backbone.keras").read_text() == "phi"
