"""How jobs take their flags and tell what is wrong with them."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def job(name, *args):
    return subprocess.run(
        [sys.executable, "-m", f"jobs.{name}", *args],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "own"), [("build_episodes", "--num_shards"), ("pipeline", "--weights")]
)
def test_help_shows_shared_and_own_flags(name, own):
    shown = job(name, "--help").stdout
    for flag in ("--config", "--workdir", "--base", own):
        assert f"  {flag}:" in shown
