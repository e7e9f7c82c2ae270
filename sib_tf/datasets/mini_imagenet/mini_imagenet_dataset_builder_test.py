"""The builder of mini-ImageNet on few images per class."""

import functools
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_datasets as tfds
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.datasets.image_files import by_id, read_class
from sib_tf.datasets.mini_imagenet.mini_imagenet_dataset_builder import IMAGE_SIZE, Builder
from sib_tf.datasets.mini_imagenet.small_raw_files import (
    GOOSE,
    HOUSE_FINCH,
    IMAGES_PER_CLASS,
    NEMATODE,
    read_list,
    to_class_folders,
    write_raw_files,
)
from sib_tf.datasets.mini_imagenet.splits import CLASSES
from sib_tf.datasets.pieces import read_all
from sib_tf.datasets.unreadable import refuse


def build(manual_dir: Path, data_dir: Path) -> Builder:
    builder = Builder(data_dir=data_dir)
    options = runner.options(["--direct_num_workers=2", "--direct_running_mode=multi_threading"])
    with runner.plain_errors():
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(
                manual_dir=manual_dir, beam_options=options
            )
        )
    return builder


def read(builder: Builder, split: str) -> list[tuple[str, str, bytes]]:
    names = builder.info.features["label"].names
    return [
        (example["id"].decode(), names[example["label"]], example["image"].tobytes())
        for example in tfds.as_numpy(builder.as_dataset(split=split))
    ]


@pytest.fixture(scope="module")
def data_dir(raw, tmp_path_factory) -> Path:
    """A data set prepared from class folders, which are then deleted."""
    folder = tmp_path_factory.mktemp("class_folders")
    to_class_folders(raw / "mini-imagenet" / "images", folder / "raw")
    build(folder / "raw", folder / "data")
    shutil.rmtree(folder / "raw")
    return folder / "data"


class MiniImagenetTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {"train": 192, "validation": 48, "test": 60}  # noqa: RUF012

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = write_raw_files(Path(folder.name))
        super().setUpClass()

    def setUp(self):
        super().setUp()
        # TFDS sets no runner, and Beam's default one would download the Prism binary.
        prism = "apache_beam.runners.portability.prism_runner.PrismRunner"
        self.enter_context(mock.patch(prism, FnApiRunner))


def test_splits_are_those_of_ravi_and_larochelle():
    assert {split: len(names) for split, names in CLASSES.items()} == {
        "train": 64,
        "validation": 16,
        "test": 20,
    }
    assert len({name for names in CLASSES.values() for name in names}) == 100
    assert all(list(names) == sorted(names) for names in CLASSES.values())
    # Saluki, Walker hound; Ibizan hound, white wolf; golden retriever, dalmatian.
    assert {HOUSE_FINCH, "n02091831", "n02089867"} < set(CLASSES["train"])
    assert {GOOSE, "n02091244", "n02114548"} < set(CLASSES["validation"])
    assert {NEMATODE, "n02099601", "n02110341"} < set(CLASSES["test"])


def test_labels_number_the_splits_one_after_another(tmp_path):
    label = Builder(data_dir=tmp_path).info.features["label"]
    assert label.names == [*CLASSES["train"], *CLASSES["validation"], *CLASSES["test"]]


@pytest.mark.parametrize("split", CLASSES)
def test_examples_of_class_folders_are_what_the_lists_say(split, raw, data_dir):
    expected = {
        (f"{name}/{file}", name, Image.open(raw / "mini-imagenet" / "images" / file).tobytes())
        for file, name in read_list(raw, split)
    }
    assert len(expected) == len(CLASSES[split]) * IMAGES_PER_CLASS
    assert set(read(Builder(data_dir=data_dir), split)) == expected


def test_prepared_data_set_needs_no_raw_files(data_dir, tmp_path):
    prepared = build(tmp_path / "absent", data_dir)
    assert prepared.info.splits.total_num_examples == 300


def test_images_of_84_pixels_are_kept_and_others_resized(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (84, 84, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "exact.png")
    Image.new("L", (200, 100), 7).save(tmp_path / "other.png")
    files = [tmp_path / "exact.png", tmp_path / "other.png"]
    (_, exact), (_, other) = read_class((GOOSE, by_id(GOOSE, files)), IMAGE_SIZE)
    np.testing.assert_array_equal(exact["image"], pixels)
    np.testing.assert_array_equal(other["image"], np.full((84, 84, 3), 7))


def test_undecodable_image_is_named(tmp_path):
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"\xff\xd8\xff\xe0")
    with (
        pytest.raises(UserError, match=f"^{damaged}: "),
        runner.plain_errors(),
        beam.Pipeline(options=runner.options([])) as pipeline,
    ):
        read = functools.partial(read_class, size=IMAGE_SIZE)
        _ = pipeline | beam.Create([(GOOSE, {"id": damaged})]) | read_all(read, refuse)


@pytest.mark.parametrize("missing", ["absent", "empty", "file", "other"])
def test_missing_data_set_is_explained_in_one_line(missing, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "other" / "something").mkdir(parents=True)
    with pytest.raises(
        UserError, match=r"Put there a folder mini.* --config\.manual_dir="
    ) as error:
        build(tmp_path / missing, tmp_path / "data")
    assert str(tmp_path / missing) in str(error.value)
    assert "\n" not in str(error.value)
