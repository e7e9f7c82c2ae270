"""A job server, and a worker pool in another virtual environment, as on the machines of a cluster.

The pool has the packages of requirements.txt, another current folder, and no `sib_tf`: that comes
with each job, by --setup_file, and is installed by the program that starts the workers in Beam's
containers.
"""

import contextlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
import venv
from pathlib import Path

from sib_tf.beam import prism
from tests.beam import engines
from tests.running import ROOT

_PACKAGED = ("setup.py", "pyproject.toml", "README.md", "sib_tf", "jobs", "configs")


@contextlib.contextmanager
def options():
    """Options that send a job there."""
    engines.skip_without_prism()
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder)) as servers:
        yield (*servers, f"--setup_file={_checkout(Path(folder))}")


@contextlib.contextmanager
def _servers(folder):
    python = _python_without_sib_tf(folder / "environment")
    pool = (python, "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port=PORT")
    variables = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "PYTHONPATH": "",
        # Else it makes one on top of the Python that this one was made from, where Beam is missing.
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
        "PIP_NO_DEPS": "1",  # they are there, and to look for them takes most of the time
    }
    boot = f"--container_executable={_boot(folder)}"
    with (
        engines.prism_server() as job_server,
        engines.worker_pool(*pool, boot, **variables) as to_pool,
    ):
        yield (*job_server, *to_pool)


def _python_without_sib_tf(environment):
    venv.create(environment, symlinks=True)
    packages = sysconfig.get_path("purelib")
    paths = {"base": environment, "platbase": environment}
    linked = Path(sysconfig.get_path("purelib", vars=paths), "packages.pth")
    linked.write_text(packages)
    python = environment / "bin/python"
    found = subprocess.run(
        [python, "-c", "import importlib.util as u; print(u.find_spec('sib_tf'))"],
        cwd=environment,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "None\n"
    return python


def _boot(folder):
    """The program that starts workers, which keeps what a job has sent in a folder of its own."""
    boot = folder / "boot"
    program = prism.binary().with_name("beam-boot")
    boot.write_text(f'#!/bin/sh\nexec {program} --semi_persist_dir={folder} "$@"\n')
    boot.chmod(0o755)
    return boot


def _checkout(folder):
    """The setup.py of a copy of what is packaged, as packaging writes beside it."""
    (folder / "checkout").mkdir()
    for name in _PACKAGED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "checkout" / name)
    return folder / "checkout/setup.py"
