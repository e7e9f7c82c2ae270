"""Runs pytest as a Bazel test."""

import os
import sys

import pytest

# Bazel itself runs tests in parallel, without pytest-xdist.
_OPTIONS = [
    "--override-ini=addopts=-ra --strict-markers",
    "-p",
    "no:cacheprovider",
    f"--basetemp={os.environ['TEST_TMPDIR']}/pytest",
    f"--junitxml={os.environ['XML_OUTPUT_FILE']}",
]

if __name__ == "__main__":
    code = pytest.main([*_OPTIONS, *sys.argv[1:]])
    # All tests of a target may be slow, and these are deselected unless asked for.
    sys.exit(0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code)
