"""Reading the lists of PACS, sound, with their known faults, and damaged."""

import logging
import shutil
from pathlib import Path

import pytest
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.datasets.pacs.lists import CLASSES, DOMAINS, SPLITS, find_images
from sib_tf.datasets.pacs.small_raw_files import (
    IMAGES_PER_CLASS,
    list_file,
    read_list,
    write_list,
)


@pytest.fixture
def copy(raw, tmp_path) -> Path:
    """A copy of the raw files, to be damaged."""
    return shutil.copytree(raw, tmp_path / "raw")


def names(images: dict[str, list[Path]]) -> list[str]:
    return [f"{name}/{file.name}" for name, files in images.items() for file in files]


def test_each_domain_has_the_images_of_its_lists(raw, caplog):
    found = find_images(raw)
    assert list(found) == list(SPLITS)
    for domain in DOMAINS:
        train, crossval, test = (
            names(found[f"{domain}_{part}"]) for part in ("train", "crossval", "test")
        )
        assert len(test) == len(CLASSES) * IMAGES_PER_CLASS
        assert sorted(train + crossval) == sorted(test)
        assert [name.rsplit(".", 1)[0] for name in crossval] == [f"{c}/pic_000" for c in CLASSES]
    assert not caplog.records


def test_the_folder_itself_may_be_given(raw):
    assert find_images(raw / "PACS") == find_images(raw)


def test_the_known_faults_are_mended_and_said_once(copy, raw, caplog):
    """As in the lists that are given out: a label 0, an image twice in place of another."""
    rows = read_list(copy, "art_painting", "crossval")
    rows[0] = rows[0].removesuffix("1") + "0"
    rows[1] = rows[2]  # elephant/pic_000 is nowhere but in the test list
    write_list(copy, "art_painting", "crossval", rows)
    with caplog.at_level(logging.WARNING):
        found, sound = find_images(copy), find_images(raw)
    mended, whole = (
        {split: names(images) for split, images in one.items()} for one in (found, sound)
    )
    assert {split for split in SPLITS if mended[split] != whole[split]} == {"art_painting_crossval"}
    expected = [name for name in whole["art_painting_crossval"] if "elephant" not in name]
    assert mended["art_painting_crossval"] == expected
    assert [record.message for record in caplog.records] == [
        "Faults of the lists of PACS: "
        "art_painting_crossval_kfold.txt gives art_painting/dog/pic_000.jpg the label 0; "
        "art_painting_crossval_kfold.txt lists art_painting/giraffe/pic_000.jpg twice; "
        "neither art_painting_train_kfold.txt nor art_painting_crossval_kfold.txt lists "
        "art_painting/elephant/pic_000.jpg."
    ]


def remove_list(folder: Path) -> None:
    list_file(folder, "photo", "train").unlink()


def empty_list(folder: Path) -> None:
    write_list(folder, "photo", "train", [])


def remove_images(folder: Path) -> None:
    shutil.rmtree(folder / "PACS" / "kfold")


def remove_domain(folder: Path) -> None:
    shutil.rmtree(folder / "PACS" / "kfold" / "photo")


def remove_class(folder: Path) -> None:
    shutil.rmtree(folder / "PACS" / "kfold" / "photo" / "dog")


def add_class(folder: Path) -> None:
    (folder / "PACS" / "kfold" / "photo" / "cat").mkdir()


def remove_image(folder: Path) -> None:
    (folder / "PACS" / "kfold" / "sketch" / "dog" / "pic_001.png").unlink()


def add_image(folder: Path) -> None:
    Image.new("RGB", (24, 24)).save(folder / "PACS" / "kfold" / "sketch" / "dog" / "pic_009.png")


def list_another_domain(folder: Path) -> None:
    rows = read_list(folder, "sketch", "train")
    write_list(folder, "sketch", "train", ["photo/dog/pic_001.jpg 1", *rows[1:]])


def leave_out_a_label(folder: Path) -> None:
    rows = read_list(folder, "sketch", "train")
    write_list(folder, "sketch", "train", [rows[0], rows[1].split()[0], *rows[2:]])


def spoil_encoding(folder: Path) -> None:
    list_file(folder, "sketch", "train").write_bytes(b"\xff\n")


def leak(folder: Path) -> None:
    rows = read_list(folder, "sketch", "train")
    write_list(folder, "sketch", "crossval", [*read_list(folder, "sketch", "crossval"), rows[0]])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_list, r"/photo_train_kfold\.txt: cannot be read \(No such file or directory\)"),
        (empty_list, r"/photo_train_kfold\.txt: is empty; download it again"),
        (remove_images, r": does not hold PACS\. Put there a folder PACS with kfold/DOMAIN/CLASS/"),
        (remove_domain, r"/kfold/photo: no such folder; check the path"),
        (remove_class, r"/kfold/photo: has no class folder dog; add it"),
        (add_class, r"/kfold/photo/cat: is no class of PACS; move it away"),
        (
            remove_image,
            r"/sketch_train_kfold\.txt, line 1: names sketch/dog/pic_001\.png, which is no image",
        ),
        (
            add_image,
            r"/sketch_test_kfold\.txt: lacks 1 of the images, such as .*/sketch/dog/pic_009\.png;",
        ),
        (
            list_another_domain,
            r"/sketch_train_kfold\.txt, line 1: names photo/dog/pic_001\.jpg, which is no image of "
            r"this domain in .*/kfold;",
        ),
        (leave_out_a_label, r"/sketch_train_kfold\.txt, line 2: is not an image and its label"),
        (spoil_encoding, r"/sketch_train_kfold\.txt: cannot be read \('utf-8' codec"),
        (
            leak,
            r"/sketch_crossval_kfold\.txt, line 8: lists sketch/dog/pic_001\.png, as does "
            r".*/sketch_train_kfold\.txt, line 1;",
        ),
    ],
)
def test_damage_is_named_in_one_line(damage, message, copy):
    damage(copy)
    with pytest.raises(UserError, match=f"^{copy}/PACS{message}") as error:
        find_images(copy)
    assert "\n" not in str(error.value)
