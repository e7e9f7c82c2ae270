"""One run of `jobs.pipeline` on the miniature of glyphs, for all test files that start from one."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.experiments.made_once import made_once

TINY = "--config=configs/glyphs.py:tiny"


def copy(tmp_path_factory, *left_out):
    """Copies the working directory of the run.

    Args:
        tmp_path_factory: pytest's fixture.
        *left_out: patterns of folder names that are not copied.

    Returns:
        The copy, and the completed process of the job.
    """
    folder = made_once(tmp_path_factory, "tiny_run", _run)
    copied = tmp_path_factory.mktemp("tiny") / "work"
    shutil.copytree(folder / "work", copied, ignore=shutil.ignore_patterns(*left_out))
    printed = json.loads((folder / "printed.json").read_text())
    return copied, subprocess.CompletedProcess([], 0, *printed)


def _run(folder):
    result = subprocess.run(
        [sys.executable, "-m", "jobs.pipeline", TINY, f"--workdir={folder / 'work'}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (folder / "printed.json").write_text(json.dumps([result.stdout, result.stderr]))
