"""Published results: complete, attributed, and never over others."""

import json

import pytest

from sib_tf import publishing
from sib_tf.errors import UserError


def step(folder, name, seconds, **content):
    folder.mkdir(parents=True)
    record = {"step": name, "seconds": seconds, "config": {"seed": 1}, "packages": {"keras": "3"}}
    (folder / "step.json").write_text(json.dumps(record))
    for file, text in content.items():
        (folder / file.replace("_", ".")).write_text(text)


@pytest.fixture
def experiment(tmp_path):
    base, workdir = tmp_path / "base", tmp_path / "base/1shot"
    step(base / "data", "build_dataset", 1.5)
    step(base / "backbone", "pretrain", 60, backbone_keras="phi")
    for split, seconds in (("train", 4), ("test", 2)):
        step(base / "features" / split, "embed", seconds)
    step(workdir / "episodes/test-balanced", "build_episodes", 3)
    step(workdir / "model", "train", 10, model_keras="xi")
    step(workdir / "evaluation", "evaluate", 5, report_json='{"results": [7]}')
    return {"workdir": workdir, "base": base}


def test_report_says_where_it_is_from(tmp_path, experiment):
    output = tmp_path / "results" / "one"
    publishing.publish(output, **experiment, command="python x", weights=False)
    assert [file.name for file in output.iterdir()] == ["report.json"]
    content = json.loads((output / "report.json").read_text())
    assert content["results"] == [7]
    assert content["command"] == "python x"
    assert content["config"] == {"seed": 1}
    assert content["packages"] == {"keras": "3"}
    assert content["machine"].split()[0].isdigit()
    assert content["seconds"] == {
        "build_dataset": 1.5,
        "pretrain": 60,
        "embed": 6,
        "build_episodes": 3,
        "train": 10,
        "evaluate": 5,
    }


def test_weights_are_copied_when_asked_for(tmp_path, experiment):
    output = tmp_path / "one"
    publishing.publish(output, **experiment, command="", weights=True)
    assert (output / "backbone.keras").read_text() == "phi"
    assert (output / "model.keras").read_text() == "xi"


def test_what_is_published_is_not_replaced(tmp_path, experiment):
    output = tmp_path / "one"
    output.mkdir()
    with pytest.raises(UserError, match="one exists: delete it first"):
        publishing.publish(output, **experiment, command="", weights=False)
    assert not list(output.iterdir())


def test_an_unfinished_experiment_is_refused(tmp_path, experiment):
    (experiment["workdir"] / "evaluation/step.json").unlink()
    with pytest.raises(UserError, match=r"evaluation is missing: run `python -m jobs\.pipeline`"):
        publishing.publish(tmp_path / "one", **experiment, command="", weights=True)
    assert not (tmp_path / "one").exists()
