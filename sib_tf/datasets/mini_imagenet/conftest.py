"""Fixtures of the tests of mini-ImageNet."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from sib_tf.datasets.mini_imagenet import raw_files, small_raw_files


@pytest.fixture(scope="module", autouse=True)
def few_images() -> Iterator[None]:
    """Makes few images per class a complete data set."""
    with mock.patch.object(raw_files, "IMAGES_PER_CLASS", small_raw_files.IMAGES_PER_CLASS):
        yield


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of raw files, which tests must not change."""
    return small_raw_files.write_raw_files(tmp_path_factory.mktemp("raw"))
