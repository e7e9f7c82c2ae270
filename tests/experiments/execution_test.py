"""Steps run once, whole, and never over the result of another config."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest
import tensorflow as tf

import sib_tf
from sib_tf.base import machine
from sib_tf.base.atomic import written_file, written_whole
from sib_tf.base.errors import UserError
from sib_tf.base.sole_writer import sole_writer
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.execution import assist, execute, execute_all
from sib_tf.experiments.records import RECORD, fingerprint
from sib_tf.experiments.step import Step

FIELDS = {"seed": 1, "size": 5, "unrelated": 0}
CONFIG = Configuration(FIELDS)


@dataclasses.dataclass(frozen=True)
class Section:
    """A section to which `precision` was added later."""

    epochs: int = 4
    precision: str = "float32"


def step(run=None, name="train", reads=("seed",), requires=(), **kwargs):
    return Step(name, f"out/{name}", reads, requires, run or (lambda context: {}), **kwargs)


def changed(**fields):
    return Configuration({**FIELDS, **fields})


def test_a_step_runs_once(tmp_path):
    calls = []

    def run(context):
        calls.append(context)
        (context.folder / "result").write_text("42")
        return {"things": 42}

    assert execute(step(run), CONFIG, tmp_path)
    folder = tmp_path / "out" / "train"
    assert sorted(p.name for p in folder.iterdir()) == ["result", RECORD]
    record = json.loads((folder / RECORD).read_text())
    assert record["config"] == {"seed": 1}
    assert record["counts"] == {"things": 42}
    assert record["machines"] == [machine.name()]
    assert not execute(step(run), CONFIG, tmp_path)
    assert not execute(step(run), changed(unrelated=9), tmp_path)
    assert len(calls) == 1
    assert calls[0].folder == tmp_path / "out" / "train.part"
    assert not calls[0].folder.exists()


def test_each_of_several_steps_is_counted_and_the_finished_ones_are_returned(tmp_path, caplog):
    caplog.set_level("INFO", logger="sib_tf")
    steps = [step(name=name) for name in ("embed", "train", "evaluate")]
    execute(steps[1], CONFIG, tmp_path)
    caplog.clear()
    assert execute_all(steps, CONFIG, tmp_path) == [steps[1]]
    counted = [line for line in caplog.messages if " of " in line]
    assert counted == ["1 of 3: embed", "2 of 3: train", "3 of 3: evaluate"]
    caplog.clear()
    assert execute_all(steps[:1], CONFIG, tmp_path) == steps[:1]
    assert not [line for line in caplog.messages if " of " in line]


def test_another_config_is_refused_and_nothing_replaced(tmp_path):
    execute(step(), CONFIG, tmp_path)
    before = (tmp_path / "out/train" / RECORD).read_text()
    with pytest.raises(UserError, match=r"config\.seed=1, not 2"):
        execute(step(), changed(seed=2), tmp_path)
    assert (tmp_path / "out/train" / RECORD).read_text() == before


def test_a_helper_runs_beside_the_writer_and_leaves_nothing(tmp_path):
    earlier, calls = step(name="data"), []
    later = step(calls.append, requires=(earlier,))
    with pytest.raises(UserError, match=r"out/data is missing: run `python -m jobs\.data` first"):
        assist(later, CONFIG, tmp_path)
    execute(earlier, CONFIG, tmp_path)
    with sole_writer(tmp_path / "out/train"):
        assert assist(later, CONFIG, tmp_path)
    assert [context.config.seed for context in calls] == [1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["data"]
    execute(later, CONFIG, tmp_path)
    assert not assist(later, CONFIG, tmp_path)
    with pytest.raises(UserError, match=r"config\.seed=1, not 2"):
        assist(step(requires=()), changed(seed=2), tmp_path)
    assert len(calls) == 2


def forget_precision(file):
    """Edits a file as if an older version had written it."""
    record = json.loads(file.read_text())
    assert record["config"].pop("phi") == {"epochs": 4, "precision": "float32"}
    record["config"]["phi"] = {"epochs": 4}
    file.write_text(json.dumps(record))


def test_a_field_missing_from_an_old_record_has_its_default(tmp_path):
    train = step(reads=("phi",))
    execute(train, changed(phi=Section()), tmp_path)
    forget_precision(tmp_path / "out/train" / RECORD)
    assert not execute(train, changed(phi=Section()), tmp_path)
    with pytest.raises(UserError, match=r"config\.phi\.precision='float32', not 'bfloat16'"):
        execute(train, changed(phi=Section(precision="bfloat16")), tmp_path)


def test_a_killed_old_run_resumes_with_the_default_of_a_new_field(tmp_path):
    train = step(crash_after(2), reads=("phi",), resumes=True)
    with pytest.raises(RuntimeError):
        execute(train, changed(phi=Section()), tmp_path)
    forget_precision(tmp_path / "out/train.part/config.json")
    with pytest.raises(UserError, match=r"train\.part .*precision='float32', not 'bfloat16'"):
        execute(train, changed(phi=Section(precision="bfloat16")), tmp_path)
    assert execute(train, changed(phi=Section()), tmp_path)
    assert json.loads((tmp_path / "out/train" / RECORD).read_text())["counts"] == {"before": 2}


def test_a_field_of_a_section_is_read_without_the_others(tmp_path):
    def run(context):
        with pytest.raises(AttributeError, match="precision"):
            context.config.phi.precision  # noqa: B018
        return {"epochs": context.config.phi.epochs}

    train = step(run, reads=("phi.epochs",))
    execute(train, changed(phi=Section(epochs=7)), tmp_path)
    record = json.loads((tmp_path / "out/train" / RECORD).read_text())
    assert record["counts"] == {"epochs": 7}
    assert record["config"] == {"phi": {"epochs": 7}}
    assert not execute(train, changed(phi=Section(epochs=7, precision="bfloat16")), tmp_path)
    with pytest.raises(UserError, match=r"config\.phi\.epochs=7, not 4"):
        execute(train, changed(phi=Section()), tmp_path)


def test_consulted_fields_do_not_bind_a_result(tmp_path):
    train = step(lambda context: {"size": context.config.size}, consults=("size",))
    assert execute(train, CONFIG, tmp_path)
    record = json.loads((tmp_path / "out/train" / RECORD).read_text())
    assert (record["config"], record["counts"]) == ({"seed": 1}, {"size": 5})
    assert not execute(train, changed(size=9), tmp_path)


def test_a_crash_leaves_no_result_and_the_next_run_starts_afresh(tmp_path):
    def crash(context):
        (context.folder / "half").write_text("")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        execute(step(crash), CONFIG, tmp_path)
    assert not (tmp_path / "out/train").exists()
    assert execute(step(), changed(seed=2), tmp_path)
    assert [p.name for p in (tmp_path / "out/train").iterdir()] == [RECORD]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied", "phi.keras"), r"\[Errno 13\].*phi\.keras"),
        (OSError(), "OSError"),
        (tf.errors.ResourceExhaustedError(None, None, "a/7; No space left"), "a/7; No space left"),
    ],
)
def test_system_errors_are_named_with_a_remedy(tmp_path, error, reason):
    def run(context):
        raise error

    with pytest.raises(UserError, match=rf"train could not go on with .*: {reason}.* Make room"):
        execute(step(run), CONFIG, tmp_path)
    assert not (tmp_path / "out/train").exists()


def crash_after(epochs):
    def run(context):
        log = context.folder / "log"
        done = int(log.read_text()) if log.exists() else 0
        log.write_text(str(done + epochs))
        if done + epochs < 3:
            raise RuntimeError("killed")
        return {"before": done}

    return run


def test_a_resuming_step_finds_its_earlier_files(tmp_path):
    with pytest.raises(RuntimeError):
        execute(step(crash_after(2), resumes=True), CONFIG, tmp_path)
    with pytest.raises(UserError, match=r"config\.seed=1, not 2"):
        execute(step(crash_after(1), resumes=True), changed(seed=2), tmp_path)
    assert execute(step(crash_after(1), resumes=True), CONFIG, tmp_path)
    assert json.loads((tmp_path / "out/train" / RECORD).read_text())["counts"] == {"before": 2}


def test_half_written_files_of_killed_runs_are_removed(tmp_path):
    def killed_while_writing(context):
        (context.folder / "log").write_text("0")
        with pytest.raises(KeyboardInterrupt), written_file(context.folder / "best.npz") as file:
            file.write_text("half")
            (context.folder / ".partial-1-best.npz").write_text("half")  # of another killed run
            raise KeyboardInterrupt
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        execute(step(killed_while_writing, resumes=True), CONFIG, tmp_path)
    assert execute(step(crash_after(3), resumes=True), CONFIG, tmp_path)
    assert sorted(path.name for path in (tmp_path / "out/train").iterdir()) == ["log", RECORD]


def test_a_run_that_left_nothing_does_not_bind_the_next_to_its_config(tmp_path):
    def refuse(context):
        raise UserError("config.seed is wrong: change it.")

    with pytest.raises(UserError, match="is wrong"):
        execute(step(refuse, resumes=True), CONFIG, tmp_path)
    assert (tmp_path / "out/train.part/config.json").exists()
    assert execute(step(resumes=True), changed(seed=2), tmp_path)


def test_seconds_and_machines_of_killed_runs_count(tmp_path, monkeypatch):
    part = tmp_path / "out/train.part"
    for name, seconds in (("A", 100), ("B", 20), ("A", 3)):
        monkeypatch.setattr(machine, "name", lambda name=name: name)
        with pytest.raises(RuntimeError):
            execute(step(crash_after(0), resumes=True), CONFIG, tmp_path)
        # As if the last file had been written that many seconds after the first.
        began = (part / "config.json").stat().st_mtime
        os.utime(part / "log", (began, began + seconds))
        os.utime(part, (began, began))
    assert execute(step(crash_after(3), resumes=True), CONFIG, tmp_path)
    record = json.loads((tmp_path / "out/train" / RECORD).read_text())
    assert 123 <= record["seconds"] < 124
    assert record["machines"] == ["A", "B"]


def test_a_missing_prerequisite_is_named(tmp_path):
    later = step(name="evaluate", requires=(step(),))
    with pytest.raises(UserError, match=r"python -m jobs\.train"):
        execute(later, CONFIG, tmp_path)
    assert execute(step(), CONFIG, tmp_path)
    assert execute(later, CONFIG, tmp_path)


def test_a_prerequisite_of_another_config_is_refused(tmp_path):
    execute(step(), CONFIG, tmp_path)
    later = step(name="evaluate", reads=("size",), requires=(step(),))
    with pytest.raises(UserError, match=r"out/train was written with config\.seed=1, not 2"):
        execute(later, changed(seed=2), tmp_path)
    assert later.all_reads() == ("seed", "size")
    assert execute(later, CONFIG, tmp_path)
    record = json.loads((tmp_path / "out/evaluate" / RECORD).read_text())
    trained = json.loads((tmp_path / "out/train" / RECORD).read_text())
    assert record["inputs"] == {"out/train": trained["run"]}
    assert record["packages"]["sib_tf"] == sib_tf.__version__


@pytest.mark.parametrize("content", [None, "not json", "{}"])
def test_a_foreign_folder_is_refused(tmp_path, content):
    folder = tmp_path / "out" / "train"
    folder.mkdir(parents=True)
    (folder / "photo.jpg").write_text("precious")
    if content is not None:
        (folder / RECORD).write_text(content)
    with pytest.raises(UserError, match=r"out/train exists but holds no readable step\.json"):
        execute(step(), CONFIG, tmp_path)
    assert (folder / "photo.jpg").read_text() == "precious"


@pytest.mark.parametrize(("path", "name"), [("shot", "shot"), ("phi.width", "width")])
def test_a_missing_field_is_named(tmp_path, path, name):
    with pytest.raises((KeyError, AttributeError), match=name):
        execute(step(reads=(path,)), changed(phi=Section()), tmp_path)
    assert not (tmp_path / "out/train").exists()


def test_experiments_share_the_steps_of_their_base(tmp_path):
    embed = step(name="embed", shared=True)
    train = step(reads=("size",), requires=(embed,))
    base, one, two = (tmp_path / name for name in ("base", "one", "two"))
    assert execute(embed, CONFIG, one, base)
    assert not execute(embed, CONFIG, two, base)
    assert execute(train, CONFIG, one, base)
    assert execute(train, changed(size=2), two, base)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob(RECORD)) == [
        "base/out/embed/step.json",
        "one/out/train/step.json",
        "two/out/train/step.json",
    ]
    with pytest.raises(UserError, match=r"base/out/embed was written with config\.seed=1, not 2"):
        execute(train, changed(seed=2), two, base)


def test_a_step_that_another_process_writes_is_refused(tmp_path):
    def run(context):
        with pytest.raises(UserError, match=r"Another process is writing .*out/train"):
            execute(step(), CONFIG, tmp_path)
        return {"runs": 1}

    execute(step(run), CONFIG, tmp_path)
    assert json.loads((tmp_path / "out/train" / RECORD).read_text())["counts"] == {"runs": 1}
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["train"]


def chain():
    """embed -> train -> evaluate."""
    embed = step(name="embed")
    train = step(requires=(embed,), resumes=True)
    return embed, train, step(name="evaluate", requires=(train,))


def test_a_result_made_from_an_earlier_result_is_refused(tmp_path):
    embed, train, evaluate = chain()
    for each in (embed, train, evaluate):
        execute(each, CONFIG, tmp_path)
    shutil.rmtree(tmp_path / "out/train")
    execute(train, CONFIG, tmp_path)
    with pytest.raises(UserError, match=r"out/evaluate was made from an earlier out/train: delete"):
        execute(evaluate, CONFIG, tmp_path)
    shutil.rmtree(tmp_path / "out/evaluate")
    assert execute(evaluate, CONFIG, tmp_path)
    assert not execute(evaluate, CONFIG, tmp_path)


def test_inputs_of_inputs_count_but_may_be_deleted(tmp_path):
    embed, train, evaluate = chain()
    for each in (embed, train, evaluate):
        execute(each, CONFIG, tmp_path)
    shutil.rmtree(tmp_path / "out/embed")
    assert not execute(evaluate, CONFIG, tmp_path)
    execute(embed, CONFIG, tmp_path)
    with pytest.raises(UserError, match=r"out/train was made from an earlier out/embed: delete"):
        execute(evaluate, CONFIG, tmp_path)


def test_a_killed_step_does_not_resume_with_other_inputs(tmp_path):
    embed = step(name="embed")
    execute(embed, CONFIG, tmp_path)
    with pytest.raises(RuntimeError):
        execute(step(crash_after(2), requires=(embed,), resumes=True), CONFIG, tmp_path)
    shutil.rmtree(tmp_path / "out/embed")
    execute(embed, CONFIG, tmp_path)
    with pytest.raises(UserError, match=r"out/train\.part was made from an earlier out/embed"):
        execute(step(crash_after(1), requires=(embed,), resumes=True), CONFIG, tmp_path)


def test_a_result_without_a_run_id_is_still_valid(tmp_path):
    embed, train, _ = chain()
    execute(embed, CONFIG, tmp_path)
    file = tmp_path / "out/embed" / RECORD
    record = json.loads(file.read_text())
    del record["run"]
    file.write_text(json.dumps(record))
    execute(train, CONFIG, tmp_path)
    inputs = json.loads((tmp_path / "out/train" / RECORD).read_text())["inputs"]
    assert inputs == {"out/embed": fingerprint({"seed": 1})}


@pytest.mark.parametrize("call", ["rename", "unlink"])
def test_a_kill_at_the_very_end_loses_nothing(tmp_path, monkeypatch, call):
    def kill(path, *args):
        if path.is_relative_to(tmp_path / "out") and path.suffix != ".lock":
            raise KeyboardInterrupt

    train = step(crash_after(3), resumes=True)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, call, kill)
        execute(train, CONFIG, tmp_path)
    # Killed before the rename, the step resumes at its end; after it, the result is complete.
    ran = execute(train, CONFIG, tmp_path)
    assert ran == (call == "rename")
    counts = json.loads((tmp_path / "out/train" / RECORD).read_text())["counts"]
    assert counts == {"before": 3 if ran else 0}


def test_a_partly_written_folder_is_not_kept(tmp_path):
    with pytest.raises(OSError, match="disk"), written_whole(tmp_path / "results/one") as part:
        (part / "half").write_text("")
        raise OSError("disk")
    assert not list((tmp_path / "results").iterdir())
