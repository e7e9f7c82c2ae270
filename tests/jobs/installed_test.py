"""The wheel, installed beside a project that has packages of the same names as this checkout."""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JOBS = sorted(file.stem for file in (ROOT / "jobs").glob("[a-z]*.py"))
CONFIGS = ("glyphs:tiny", "image_folder.py", "cifar_fs:shot=5")

# Starts each job in a process that is forked from one with everything imported; writes their exit
# codes and what they print. A collection in a fork would copy all that was imported: freeze it.
START = """
import gc, json, multiprocessing, os, runpy, sys
import sib_tf.jobs, sib_tf.experiments.families, sib_tf.search.step, sib_tf.serving.client.model
gc.freeze()

def start(n, job, *args):
    os.dup2(os.open(f"{n}.txt", os.O_WRONLY | os.O_CREAT), 1)
    os.dup2(1, 2)
    sys.argv = [job, *args]
    runpy.run_module(f"sib_tf.jobs.{job}", run_name="__main__", alter_sys=True)

fork, results = multiprocessing.get_context("fork"), []
for n, command in enumerate(json.loads(sys.argv[1])):
    process = fork.Process(target=start, args=(n, *command))
    process.start()
    process.join()
    results.append((process.exitcode, open(f"{n}.txt").read()))
json.dump(results, open("results.json", "w"))
"""

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")

pytestmark = pytest.mark.slow


def run(*command, cwd):
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def copy_checkout(folder):
    folder.mkdir()
    for part in ("sib_tf", "jobs", "configs", "setup.py", "pyproject.toml", "README.md"):
        run("cp", "-r", ROOT / part, folder, cwd=ROOT)
    return folder


def create_environment(folder):
    """Site-packages of a new environment that has those of this one."""
    venv.create(folder, with_pip=False)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "required.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return packages


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Site-packages of a new environment with the wheel; its requirements come from this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = copy_checkout(folder / "source")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    run(*PIP, *build, cwd=folder)
    packages = create_environment(folder / "env")
    (wheel,) = folder.glob("*.whl")
    install = ("install", "--no-deps", "--no-compile", "--target", packages, wheel)
    run(*PIP, *install, cwd=folder)
    return packages


@pytest.fixture(scope="module")
def started(packages, tmp_path_factory):
    """Exit code and output of every job with --help, then of `train` with each of CONFIGS.

    Runs in another project, whose packages of the same names raise when they are imported.
    """
    project = tmp_path_factory.mktemp("project")
    for name in ("jobs", "configs", "tests"):
        (project / name).mkdir()
        (project / name / "__init__.py").write_text(f"raise ImportError('the {name} of others')")
    commands = [(job, "--help") for job in JOBS]
    commands += [("train", f"--config={name}", "--workdir=work") for name in CONFIGS]
    run(packages.parents[2] / "bin/python", "-c", START, json.dumps(commands), cwd=project)
    return json.loads((project / "results.json").read_text())


def test_the_wheel_has_no_other_top_level_package(packages):
    ours = {path.name for path in packages.iterdir()} - {"required.pth"}
    assert {name.partition("-")[0] for name in ours} == {"sib_tf"}


@pytest.mark.parametrize(("number", "job"), enumerate(JOBS))
def test_every_job_starts(started, number, job):
    code, printed = started[number]
    assert code == 1, printed  # the exit code of absl's --help
    assert "flags:" in printed


@pytest.mark.parametrize(("number", "config"), enumerate(CONFIGS, start=len(JOBS)))
def test_shipped_configs_load_by_name(started, number, config):
    code, printed = started[number]
    assert code == 1
    assert "is missing: run `python -m sib_tf.jobs." in printed.splitlines()[-1], printed


def test_a_script_beside_an_editable_checkout_gets_the_package(tmp_path):
    checkout = copy_checkout(tmp_path / "sib_tf")
    create_environment(tmp_path / "env")
    python = tmp_path / "env/bin/python"
    install = ("install", "--no-deps", "--no-build-isolation", "--editable", checkout)
    run(*PIP, "--python", python, *install, cwd=tmp_path)
    script = "import importlib.util; print(importlib.util.find_spec('sib_tf').origin)"
    found = run(python, "-c", script, cwd=tmp_path).strip()
    assert Path(found).resolve() == checkout / "sib_tf/__init__.py"
