"""Published results are complete and attributed, and never replace others."""

import dataclasses
import json

import pytest

from configs import cifar_fs, spinning_lines
from sib_tf.base import machine
from sib_tf.base.errors import UserError
from sib_tf.experiments import families, publishing
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.step import Step
from sib_tf.regression.settings import EvaluationSettings
from tests.running import job


@dataclasses.dataclass(frozen=True)
class Later:
    """A section to which a field was added later."""

    precision: str = "float32"


DATA = Step("build_dataset", "data", (), (), dict, shared=True)
PHI = Step("pretrain", "backbone", (), (DATA,), dict, shared=True)
FEATURES = [
    Step("embed", f"features/{split}", (), (PHI,), dict, shared=True) for split in ("train", "test")
]
EPISODES = Step("build_episodes", "episodes/test-balanced", (), (DATA,), dict)
TRAIN = Step("train", "model", (), (*FEATURES, EPISODES), dict)
EVALUATE = Step("evaluate", "evaluation", ("seed",), (TRAIN, *FEATURES), dict)


def step(folder, name, seconds, **content):
    folder.mkdir(parents=True)
    record = {"step": name, "seconds": seconds, "inputs": {}, "packages": {"keras": "3"}}
    record["config"] = {"seed": 1}
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
    config = Configuration({"seed": 1, "unrelated": 0})
    return {"workdir": workdir, "base": base, "config": config, "evaluations": [EVALUATE]}


def test_report_names_its_origin(tmp_path, experiment):
    output = tmp_path / "results" / "one"
    publishing.publish(output, **experiment, command="python x")
    assert [file.name for file in output.iterdir()] == ["report.json"]
    content = json.loads((output / "report.json").read_text())
    assert content["results"] == [7]
    assert content["command"] == "python x"
    assert content["config"] == {"seed": 1}
    assert content["packages"] == {"keras": "3"}
    assert content["machine"] == machine.name()  # the records lack it
    assert content["machine"].split()[0].isdigit()
    assert content["seconds"] == {
        "build_dataset": 1.5,
        "pretrain": 60,
        "embed": 6,
        "build_episodes": 3,
        "train": 10,
        "evaluate": 5,
    }


def test_a_grid_is_part_of_the_report(tmp_path, experiment):
    grid = Step("evaluate", "grid", ("unrelated",), (), dict)
    experiment["evaluations"] = [EVALUATE, grid]
    with pytest.raises(UserError, match="grid is missing: run"):
        publishing.publish(tmp_path / "one", **experiment, command="")
    folder = experiment["workdir"] / "grid"
    step(folder, "evaluate", 7, report_json='{"results": [8], "left_out": []}')
    record = json.loads((folder / "step.json").read_text())
    (folder / "step.json").write_text(json.dumps({**record, "config": {"unrelated": 0}}))
    publishing.publish(tmp_path / "one", **experiment, command="")
    content = json.loads((tmp_path / "one/report.json").read_text())
    assert (content["results"], content["grid"]) == ([7], {"results": [8], "left_out": []})
    assert content["config"] == {"seed": 1, "unrelated": 0}
    assert content["seconds"]["evaluate"] == 5 + 7


def test_weights_are_copied_when_asked_for(tmp_path, experiment):
    output = tmp_path / "one"
    weights = families.weights(cifar_fs.get_config(), experiment["workdir"], experiment["base"])
    publishing.publish(output, **experiment, command="", weights=weights)
    assert (output / "backbone.keras").read_text() == "phi"
    assert (output / "model.keras").read_text() == "xi"


def test_lines_have_no_backbone_to_publish(tmp_path):
    config = spinning_lines.get_config()
    found = families.weights(config, tmp_path / "work", tmp_path / "base")
    assert found == [tmp_path / "work/model/model.keras"]


def test_missing_weights_leave_nothing_behind(tmp_path, experiment):
    (experiment["base"] / "backbone/backbone.keras").unlink()
    weights = [experiment["base"] / "backbone/backbone.keras"]
    words = r"base/backbone is missing: run `python -m jobs\.pipeline` first"
    with pytest.raises(UserError, match=words):
        publishing.publish(tmp_path / "new/one", **experiment, command="", weights=weights)
    assert not (tmp_path / "new").exists()


def test_published_results_are_not_replaced(tmp_path, experiment):
    output = tmp_path / "one"
    output.mkdir()
    with pytest.raises(UserError, match="one exists: delete it first"):
        publishing.publish(output, **experiment, command="")
    assert not list(output.iterdir())


def test_an_experiment_without_a_report_is_refused(tmp_path, experiment):
    experiment["evaluations"] = []
    with pytest.raises(UserError, match="has no step with a report to publish"):
        publishing.publish(tmp_path / "one", **experiment, command="")


def test_an_unfinished_experiment_is_refused(tmp_path, experiment):
    (experiment["workdir"] / "evaluation/step.json").unlink()
    with pytest.raises(UserError, match=r"evaluation is missing: run `python -m jobs\.pipeline`"):
        publishing.publish(tmp_path / "one", **experiment, command="")
    assert not (tmp_path / "one").exists()


def test_another_config_is_refused(tmp_path, experiment):
    experiment["config"] = Configuration({"seed": 2})
    words = r"evaluation was written with config\.seed=1, not 2: pass the --config"
    with pytest.raises(UserError, match=words):
        publishing.publish(tmp_path / "one", **experiment, command="")
    assert not (tmp_path / "one").exists()


def test_an_old_result_is_published_with_defaults_of_new_fields(tmp_path, experiment):
    section = EvaluationSettings(num_steps=6)
    experiment["config"] = Configuration({"seed": 1, "eval": section, "phi": Later()})
    experiment["evaluations"] = [dataclasses.replace(EVALUATE, reads=("seed", "eval", "phi"))]
    file = experiment["workdir"] / "evaluation/step.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "config": {"seed": 1, "eval_num_steps": 6}}))
    publishing.publish(tmp_path / "one", **experiment, command="")
    assert json.loads((tmp_path / "one/report.json").read_text())["config"] == {
        "seed": 1,
        "eval": {"num_steps": 6},
        "phi": {"precision": "float32"},
    }


def test_every_machine_is_named_once(tmp_path, experiment):
    for file in tmp_path.rglob("step.json"):
        record = json.loads(file.read_text())
        machines = ["2 x A", "8 x B"] if record["step"] == "pretrain" else ["2 x A"]
        file.write_text(json.dumps({**record, "machines": machines}))
    publishing.publish(tmp_path / "one", **experiment, command="")
    assert json.loads((tmp_path / "one/report.json").read_text())["machine"] == "2 x A, 8 x B"


@pytest.mark.slow
def test_the_job_publishes_the_command_of_the_experiment(tmp_path):
    config = cifar_fs.get_config("shot=5")
    config.seed = 3
    (evaluate,) = families.steps_of(config, "evaluate")
    step(tmp_path / "w/evaluation", "evaluate", 1, report_json="{}")
    file = tmp_path / "w/evaluation/step.json"
    record = json.loads(file.read_text())
    record["config"] = families.read(config).record(evaluate.all_reads())
    file.write_text(json.dumps(record))

    def publish(seed):
        flags = f"""--config=configs/cifar_fs.py:conv4_64,shot=5
            --config.seed={seed} --config.manual_dir={tmp_path} --base={tmp_path}
            --workdir={tmp_path}/w --output={tmp_path}/5shot-seed3"""
        return job("publish", *flags.split())

    refused = publish(seed=4)
    assert refused.returncode == 1
    assert "evaluation was written with config.seed=3, not 4" in refused.stderr.splitlines()[-1]
    published = publish(seed=3)
    assert published.returncode == 0, published.stderr
    assert json.loads((tmp_path / "5shot-seed3/report.json").read_text())["command"] == (
        "python -m jobs.pipeline --config=configs/cifar_fs.py:conv4_64,shot=5 --config.seed=3 "
        "--workdir=work/5shot-seed3"
    )
