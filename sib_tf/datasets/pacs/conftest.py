"""Fixtures of the tests of PACS."""

from pathlib import Path

import pytest

from sib_tf.datasets.pacs import small_raw_files


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of raw files, which tests must not change."""
    return small_raw_files.write_raw_files(tmp_path_factory.mktemp("raw"))
