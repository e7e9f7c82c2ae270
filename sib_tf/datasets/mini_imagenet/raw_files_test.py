"""Finding the raw images, in both layouts, complete and damaged."""

import random
import shutil
from pathlib import Path

import pytest
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.datasets.mini_imagenet import raw_files
from sib_tf.datasets.mini_imagenet.small_raw_files import (
    GOOSE,
    HOUSE_FINCH,
    NEMATODE,
    filename,
    read_list,
    to_class_folders,
    write_list,
)
from sib_tf.datasets.mini_imagenet.splits import CLASSES


def file_names(found: dict[str, raw_files.Images]) -> dict[str, dict[str, list[str]]]:
    return {
        split: {name: [file.name for file in files] for name, files in images.items()}
        for split, images in found.items()
    }


@pytest.fixture
def copy(raw, tmp_path) -> Path:
    """A copy of the raw files, to be damaged."""
    return shutil.copytree(raw, tmp_path / "raw")


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
