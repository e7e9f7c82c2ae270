"""The wheel, installed beside a project that has packages of the same names as this checkout."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JOBS = sorted(file.stem for file in (ROOT / "jobs").glob("[a-z]*.py"))

# Starts every job in a process that need not import TensorFlow again.
START_ALL = """
import os, runpy, sys
import sib_tf.jobs, sib_tf.experiments.families, sib_tf.search.step, sib_tf.serving.client.model
for job in sys.argv[1:]:
    if not os.fork():
        sys.argv = [job, "--help"]
        runpy.run_module(f"sib_tf.jobs.{job}", run_name="__main__", alter_sys=True)
    _, status = os.wait()
    print(job, os.waitstatus_to_exitcode(status), flush=True)
"""

pytestmark = pytest.mark.slow


def run(*command, cwd, expected=0):
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == expected, result.stderr
    return result


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a new environment with the wheel, and with what it requires from here."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for part in ("sib_tf", "jobs", "configs", "setup.py", "pyproject.toml", "README.md"):
        run("cp", "-r", ROOT / part, source, cwd=folder)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    run(*pip, *build, cwd=folder)
    venv.create(folder / "env", with_pip=False)
    packages = next((folder / "env").glob("lib/python*/site-packages"))
    (wheel,) = folder.glob("*.whl")
    run(*pip, "install", "--no-deps", "--target", packages, wheel, cwd=folder)
    (packages / "required.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env/bin/python"


@pytest.fixture
def project(tmp_path):
    """Somebody's project, whose packages would break if anything here took them for ours."""
    for name in ("jobs", "configs", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise ImportError('the {name} of others')")
    return tmp_path


def test_it_takes_no_name_but_its_own(python):
    packages = next(python.parents[1].glob("lib/python*/site-packages"))
    ours = {path.name for path in packages.iterdir()} - {"required.pth", "__pycache__"}
    assert {name.partition("-")[0] for name in ours} == {"sib_tf"}


def test_every_job_starts(python, project):
    started = run(python, "-c", START_ALL, *JOBS, cwd=project).stdout.splitlines()
    # absl ends --help with exit code 1.
    assert [line for line in started if line.split()[0] in JOBS] == [f"{job} 1" for job in JOBS]


@pytest.mark.parametrize("config", ["glyphs:tiny", "image_folder.py", "cifar_fs:shot=5"])
def test_shipped_configs_load_by_name(python, project, config):
    command = ("-m", "sib_tf.jobs.train", f"--config={config}", f"--workdir={project / 'work'}")
    data = ("--config.data.root=nowhere",) if config.startswith("image_folder") else ()
    result = run(python, *command, *data, cwd=project, expected=1)
    line = result.stderr.splitlines()[-1]
    assert "is missing: run `python -m sib_tf.jobs." in line, result.stderr
