"""`jobs.tune` on a miniature of the glyphs data set: alone, killed, and with several processes."""

import json
import runpy
import shutil

import pytest

from tests.experiments import tiny_run
from tests.experiments.tiny_run import TINY
from tests.running import Running, unused_port

SPACE = """
import keras_tuner

def get_space():
    space = keras_tuner.HyperParameters()
    space.Float("meta.step_size", 3e-4, 3e-3, sampling="log")
    space.Choice("meta.query_shares", ["balanced", "mixture"])
    return space
"""

# One synthetic-gradient step is traced and compiled sooner than three.
BRIEF = [f"--config.meta.{field}" for field in ("num_steps=1", "steps=600", "steps_per_epoch=300")]

pytestmark = pytest.mark.slow


def finish(running):
    printed, errors = running.communicate()
    assert running.poll() == 0, errors
    return printed


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A working directory with all that a search may read, and nothing of the test split."""
    test = ("test*", "evaluation", "export", "prediction")
    work, _ = tiny_run.copy(tmp_path_factory, "model", *test)
    (work.parent / "space.py").write_text(SPACE)
    return work.parent


def search(folder, workdir, **variables):
    flags = (TINY, *BRIEF, f"--workdir={workdir}")
    return Running("jobs.tune", *flags, f"--space={folder / 'space.py'}", "--trials=2", **variables)


def trials(workdir):
    content = json.loads((workdir / "search/random-2/trials.json").read_text())
    return {row["name"]: (row["values"], row["metrics"]["val_accuracy"]) for row in content}


@pytest.fixture(scope="module")
def searched(prepared):
    """The working directory of a search in one process, and what it printed."""
    folder = shutil.copytree(prepared / "work", prepared / "alone")
    return folder, finish(search(prepared, folder))


def test_a_search_tries_the_config_and_the_given_number_of_others(searched):
    folder, printed = searched
    assert trials(folder).keys() == {"config", "0", "1"}
    assert "Best val_accuracy So Far" in printed
    as_it_is, accuracy = trials(folder)["config"]
    assert as_it_is == {"meta.step_size": 1e-3, "meta.query_shares": "balanced"}
    assert 0.35 < accuracy < 0.9
    best, _ = max(trials(folder).values(), key=lambda found: found[1])
    config = runpy.run_path(str(folder / "search/random-2/best.py"))["get_config"]()
    assert {name: config.meta[name.removeprefix("meta.")] for name in best} == best
    assert not list(folder.rglob("*.part"))


def test_a_killed_search_resumes(prepared, searched):
    folder = shutil.copytree(prepared / "work", prepared / "killed")
    running = search(prepared, folder)
    running.wait_for(folder / "search/random-2.part/trials/trial_1/trial.json")
    running.kill()
    first = folder / "search/random-2.part/trials/trial_0/model/model.keras"
    written = first.stat().st_mtime_ns
    # The folder is renamed when the search is done, and the file keeps its time.
    finish(search(prepared, folder))
    moved = folder / "search/random-2/trials/trial_0/model/model.keras"
    assert moved.stat().st_mtime_ns == written, "the first trial is not run again"
    assert trials(folder) == trials(searched[0])


def test_a_chief_and_two_workers_share_a_search(prepared, searched):
    folder = shutil.copytree(prepared / "work", prepared / "shared")
    address = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(unused_port())}
    names = ("worker0", "worker1", "chief")  # workers wait for a chief that comes last
    processes = [search(prepared, folder, KERASTUNER_TUNER_ID=name, **address) for name in names]
    for process in processes:
        finish(process)
    assert trials(folder) == trials(searched[0])


def test_a_worker_without_a_chief_says_so(prepared):
    address = {"KERASTUNER_ORACLE_IP": "127.0.0.1"}
    process = search(prepared, prepared / "work", KERASTUNER_TUNER_ID="worker0", **address)
    _, errors = process.communicate()
    assert process.poll() == 1
    assert errors.splitlines()[-1].startswith("error: KERASTUNER_ORACLE_PORT is not set")
