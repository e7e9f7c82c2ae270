"""The builder of PACS on few images per class."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.datasets import preparation
from sib_tf.datasets.images import read_rgb
from sib_tf.datasets.pacs.lists import CLASSES, DOMAINS
from sib_tf.datasets.pacs.pacs_dataset_builder import Builder, Settings
from sib_tf.datasets.pacs.small_raw_files import read_list, write_raw_files


def build(manual_dir: Path, data_dir: Path, image_size: int | None = None) -> Builder:
    builder = Settings("pacs", image_size).builder(data_dir)
    preparation.prepare(builder, manual_dir=manual_dir)
    return builder


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory) -> Builder:
    return build(raw, tmp_path_factory.mktemp("data"))


@pytest.mark.slow
class PacsTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {  # noqa: RUF012
        f"{domain}_{part}": 7 * count
        for domain in DOMAINS
        for part, count in (("train", 1), ("crossval", 1), ("test", 2))
    }
    # The test list of a domain has all of its images.
    OVERLAPPING_SPLITS = [f"{domain}_test" for domain in DOMAINS]  # noqa: RUF012

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = write_raw_files(Path(folder.name), per_class=2)
        super().setUpClass()


@pytest.mark.parametrize("part", ["train", "crossval", "test"])
def test_examples_are_what_the_lists_say(part, raw, prepared):
    features = prepared.info.features
    for domain in DOMAINS:
        expected = {}
        for row in read_list(raw, domain, part):
            name, label = row.split()
            expected[name] = CLASSES[int(label) - 1]
        found = list(tfds.as_numpy(prepared.as_dataset(split=f"{domain}_{part}")))
        labels = {one["id"].decode(): features["label"].int2str(int(one["label"])) for one in found}
        assert labels == expected
        assert {features["domain"].int2str(int(one["domain"])) for one in found} == {domain}
        for one in found:
            pixels = read_rgb(raw / "PACS" / "kfold" / one["id"].decode())
            np.testing.assert_array_equal(one["image"], pixels)


def test_images_are_resized_if_asked_for(raw, tmp_path):
    resized = build(raw, tmp_path, image_size=16)
    assert resized.info.features["image"].shape == (16, 16, 3)
    one = next(iter(tfds.as_numpy(resized.as_dataset(split="photo_test"))))
    original = read_rgb(raw / "PACS" / "kfold" / one["id"].decode(), (16, 16))
    np.testing.assert_array_equal(one["image"], original)


def test_an_image_of_another_size_is_named(raw, tmp_path):
    copy = shutil.copytree(raw, tmp_path / "raw")
    Image.new("RGB", (24, 20)).save(copy / "PACS" / "kfold" / "photo" / "dog" / "pic_001.jpg")
    message = r"/photo/dog/pic_001\.jpg: is of 20 x 24 pixels, others .* 24 x 24; .*image_size"
    with pytest.raises(UserError, match=message):
        build(copy, tmp_path / "data")


def test_a_size_is_positive():
    with pytest.raises(UserError, match=r"^image_size=0 must be at least 1"):
        Settings("pacs", 0)


def test_a_missing_data_set_is_explained_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"Put there a folder PACS with .*manual_dir=") as error:
        build(tmp_path / "absent", tmp_path / "data")
    assert str(tmp_path / "absent") in str(error.value)
    assert "\n" not in str(error.value)
