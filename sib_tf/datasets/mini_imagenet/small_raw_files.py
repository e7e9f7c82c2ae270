"""Raw files of mini-ImageNet with few images per class, for tests."""

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from sib_tf.datasets.mini_imagenet.splits import CLASSES

IMAGES_PER_CLASS = 3
HOUSE_FINCH, GOOSE, NEMATODE = "n01532829", "n01855672", "n01930112"

_LISTS = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}


def filename(class_name: str, index: int) -> str:
    """The name of an image file."""
    return f"{class_name}{index:08d}.jpg"


def write_raw_files(folder: Path) -> Path:
    """Writes images, each of its own colour, and lists, as the data set is distributed."""
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
    """Writes the list of a split: rows of file name and class."""
    with (folder / "mini-imagenet" / _LISTS[split]).open("w", newline="") as lines:
        csv.writer(lines).writerows([("filename", "label"), *rows])


def read_list(folder: Path, split: str) -> list[tuple[str, str]]:
    """The rows of the list of a split."""
    with (folder / "mini-imagenet" / _LISTS[split]).open(newline="") as lines:
        return [tuple(row) for row in csv.reader(lines)][1:]


def to_class_folders(images: Path, target: Path) -> None:
    """Copies images into a folder per class."""
    for file in sorted(images.glob("*.jpg")):
        folder = target / file.name[: len(GOOSE)]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder)
