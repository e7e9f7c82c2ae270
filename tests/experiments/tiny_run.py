"""One run of `jobs.pipeline` on the miniature of glyphs, for all test files that start from one."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TINY = "--config=configs/glyphs.py:tiny"


def copy(tmp_path_factory, *left_out):
    """Copies the working directory of the run, which the first caller starts.

    Args:
        tmp_path_factory: pytest's fixture.
        *left_out: patterns of folder names that are not copied.

    Returns:
        The copy, and the completed process of the job.
    """
    own = tmp_path_factory.getbasetemp()
    # The processes of pytest-xdist have folders beside each other.
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, printed = common / "tiny_run", common / "tiny_run.json"
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            printed.write_text(json.dumps(_run(folder)))
    copied = tmp_path_factory.mktemp("tiny") / "work"
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns(*left_out))
    return copied, subprocess.CompletedProcess([], 0, *json.loads(printed.read_text()))


def _run(folder):
    result = subprocess.run(
        [sys.executable, "-m", "jobs.pipeline", TINY, f"--workdir={folder}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr
