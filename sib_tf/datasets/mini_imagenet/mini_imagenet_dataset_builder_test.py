"""The builder on three images a class, in both layouts, whole and damaged."""

import csv
import random
import shutil
import tempfile
from collections.abc import Iterator
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
from sib_tf.datasets.image_files import read_class, read_classes
from sib_tf.datasets.mini_imagenet import raw_files
from sib_tf.datasets.mini_imagenet.mini_imagenet_dataset_builder import IMAGE_SIZE, Builder
from sib_tf.datasets.mini_imagenet.splits import CLASSES

IMAGES_PER_CLASS = 3
LISTS = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}
HOUSE_FINCH, GOOSE, NEMATODE = "n01532829", "n01855672", "n01930112"


@pytest.fixture(scope="module", autouse=True)
def few_images() -> Iterator[None]:
    with mock.patch.object(raw_files, "IMAGES_PER_CLASS", IMAGES_PER_CLASS):
        yield


def filename(class_name: str, index: int) -> str:
    return f"{class_name}{index:08d}.jpg"


def write_raw_files(folder: Path) -> Path:
    """The form in which the data set is passed on, every image of a colour of its own."""
    images = folder / "mini-imagenet" / "images"
    images.mkdir(parents=True)
    colours = np.random.default_rng(0)
    for split, classes in CLASSES.items():
        rows = [(filename(name, i), name) for name in classes for i in range(IMAGES_PER_CLASS)]
        write_list(folder, split, rows)
        for file, _ in rows:
            colour = tuple(colours.integers(0, 256, 3).tolist())
            Image.new("RGB", (84, 84), colour).save(images / file)
    return folder


def write_list(folder: Path, split: str, rows: list[tuple[str, str]]) -> None:
    with (folder / "mini-imagenet" / LISTS[split]).open("w", newline="") as lines:
        csv.writer(lines).writerows([("filename", "label"), *rows])


def read_list(folder: Path, split: str) -> list[tuple[str, str]]:
    with (folder / "mini-imagenet" / LISTS[split]).open(newline="") as lines:
        return [tuple(row) for row in csv.reader(lines)][1:]


def to_class_folders(images: Path, target: Path) -> None:
    for file in sorted(images.glob("*.jpg")):
        folder = target / file.name[: len(GOOSE)]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder)


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


def file_names(found: dict[str, raw_files.Images]) -> dict[str, dict[str, list[str]]]:
    return {
        split: {name: [file.name for file in files] for name, files in images.items()}
        for split, images in found.items()
    }


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    """Not to be changed."""
    return write_raw_files(tmp_path_factory.mktemp("raw"))


@pytest.fixture
def copy(raw, tmp_path) -> Path:
    """To be damaged."""
    return shutil.copytree(raw, tmp_path / "raw")


@pytest.fixture(scope="module")
def data_dir(raw, tmp_path_factory) -> Path:
    """Prepared from class folders, which are gone."""
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
        # TFDS names no runner, and Beam's default one would fetch the Prism binary.
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
    (_, exact), (_, other) = read_class((GOOSE, files), IMAGE_SIZE)
    np.testing.assert_array_equal(exact["image"], pixels)
    np.testing.assert_array_equal(other["image"], np.full((84, 84, 3), 7))


@pytest.mark.parametrize("target", ["mini-imagenet/images", "mini-imagenet", "images", "."])
def test_class_folders_give_the_same_images(raw, target, tmp_path):
    to_class_folders(raw / "mini-imagenet" / "images", tmp_path / target)
    (tmp_path / target / "n00000000_not_of_mini_imagenet").mkdir()
    assert file_names(raw_files.find_images(tmp_path)) == file_names(raw_files.find_images(raw))


def test_order_of_rows_does_not_matter(copy, raw):
    for split in CLASSES:
        rows = read_list(copy, split)
        random.Random(0).shuffle(rows)
        write_list(copy, split, rows)
    assert file_names(raw_files.find_images(copy)) == file_names(raw_files.find_images(raw))


def test_undecodable_image_is_named(tmp_path):
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"\xff\xd8\xff\xe0")
    with (
        pytest.raises(UserError, match=f"^{damaged}: "),
        runner.plain_errors(),
        beam.Pipeline(options=runner.options([])) as pipeline,
    ):
        _ = pipeline | beam.Create([(GOOSE, [damaged])]) | read_classes(IMAGE_SIZE)


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


def remove_list(folder: Path) -> None:
    (folder / "mini-imagenet" / "val.csv").unlink()


def remove_images(folder: Path) -> None:
    shutil.rmtree(folder / "mini-imagenet" / "images")


def remove_image(folder: Path) -> None:
    (folder / "mini-imagenet" / "images" / filename(NEMATODE, 1)).unlink()


def rename_columns(folder: Path) -> None:
    (folder / "mini-imagenet" / "val.csv").write_text("file,class\n")


def spoil_encoding(folder: Path) -> None:
    (folder / "mini-imagenet" / "val.csv").write_bytes(b"filename,label\n\xff\n")


def unknown_class(folder: Path) -> None:
    rows = read_list(folder, "validation")
    write_list(folder, "validation", [(rows[0][0], "goose"), *rows[1:]])


def row_without_class(folder: Path) -> None:
    (folder / "mini-imagenet" / "val.csv").write_text("filename,label\ngoose.jpg\n")


def class_of_another_split(folder: Path) -> None:
    rows = read_list(folder, "validation")
    write_list(folder, "validation", [*rows, (filename(NEMATODE, 0), NEMATODE)])


def drop_class(folder: Path) -> None:
    rows = read_list(folder, "validation")
    write_list(folder, "validation", [row for row in rows if row[1] != GOOSE])


def drop_row(folder: Path) -> None:
    write_list(folder, "validation", read_list(folder, "validation")[1:])


def list_an_image_twice(folder: Path) -> None:
    rows = read_list(folder, "validation")
    write_list(folder, "validation", [rows[1], *rows[1:]])


def list_an_image_in_two_classes(folder: Path) -> None:
    rows = read_list(folder, "validation")
    write_list(folder, "validation", [*rows[:-1], (rows[0][0], rows[-1][1])])


def list_an_image_in_two_splits(folder: Path) -> None:
    rows = read_list(folder, "test")
    write_list(folder, "test", [(filename(HOUSE_FINCH, 0), rows[0][1]), *rows[1:]])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_list, r"/val\.csv: cannot be read \(No such file or directory\); download it"),
        (remove_images, r"/images: no such folder"),
        (remove_image, rf"/test\.csv, line 3: there is no image .*/{filename(NEMATODE, 1)}; add"),
        (rename_columns, r"/val\.csv: has no columns filename,label"),
        (spoil_encoding, r"/val\.csv: cannot be read \('utf-8' codec"),
        (unknown_class, r"/val\.csv, line 2: 'goose' is no class of mini-ImageNet"),
        (row_without_class, r"/val\.csv, line 2: '' is no class of mini-ImageNet"),
        (class_of_another_split, rf"/val\.csv, line 50: class {NEMATODE} belongs in test\.csv"),
        (drop_class, rf"/val\.csv: has 15 of the 16 validation classes; add {GOOSE}$"),
        (drop_row, rf"/val\.csv: has 2 different images of class {GOOSE}, not 3;"),
        (
            list_an_image_twice,
            rf"/val\.csv, line 3: lists {filename(GOOSE, 1)}, as does .*/val\.csv, line 2;",
        ),
        (
            list_an_image_in_two_classes,
            rf"/val\.csv, line 49: lists {filename(GOOSE, 0)}, as does .*/val\.csv, line 2;",
        ),
        (
            list_an_image_in_two_splits,
            rf"/test\.csv, line 2: lists {filename(HOUSE_FINCH, 0)}, as does .*/train\.csv, line 2",
        ),
    ],
)
def test_damage_is_named_in_one_line(damage, message, copy):
    damage(copy)
    with pytest.raises(UserError, match=f"^{copy}/mini-imagenet{message}") as error:
        raw_files.find_images(copy)
    assert "\n" not in str(error.value)


def test_incomplete_class_folders_are_refused(raw, tmp_path):
    to_class_folders(raw / "mini-imagenet" / "images", tmp_path)
    Image.new("RGB", (84, 84)).save(tmp_path / GOOSE / "one_too_many.jpg")
    with pytest.raises(UserError, match=f"^{tmp_path}: has 4 different images of class {GOOSE}"):
        raw_files.find_images(tmp_path)
    for name in CLASSES["train"][:5]:
        shutil.rmtree(tmp_path / name)
    first = ", ".join(CLASSES["train"][:3])
    message = f"^{tmp_path}: has 59 of the 64 train classes; add {first} and the others$"
    with pytest.raises(UserError, match=message):
        raw_files.find_images(tmp_path)
