"""Finds the images of every class among the files that a user downloaded."""

import csv
from collections.abc import Iterator
from pathlib import Path

from sib_tf.base.errors import UserError, first_line
from sib_tf.datasets.images import list_images
from sib_tf.datasets.mini_imagenet.splits import CLASSES

IMAGES_PER_CLASS = 600

INSTRUCTIONS = (
    "Put there a folder mini-imagenet with images/*.jpg, train.csv, val.csv and test.csv (columns "
    "filename,label), or with a folder of images for each class, images/CLASS/*.jpg. "
    "To use another folder DIR, give --config.manual_dir=DIR."
)

Images = dict[str, list[Path]]
"""Sorted image files by class."""

_LISTS = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}
_SPLIT_OF = {name: split for split, names in CLASSES.items() for name in names}


def find_images(manual_dir: Path) -> dict[str, Images]:
    """Finds the images of every class of every split.

    Args:
        manual_dir: folder of the data set, or of a folder `mini-imagenet` that holds it: one folder
            of images with a list for each split or, without lists, a folder per class.

    Raises:
        UserError: if the data set is missing, incomplete, damaged or divided into other splits.
    """
    nested = manual_dir / "mini-imagenet"
    root = nested if nested.is_dir() else manual_dir
    if any((root / name).exists() for name in _LISTS.values()):
        return _find_listed(root)
    for folder in (root / "images", root):
        if any((folder / name).is_dir() for name in _SPLIT_OF):
            return _find_in_class_folders(folder)
    raise UserError(f"{root}: does not hold mini-ImageNet. {INSTRUCTIONS}")


def _find_listed(root: Path) -> dict[str, Images]:
    folder = root / "images"
    files = {path.name: path for path in list_images(folder)}
    found: dict[str, Images] = {}
    place_of: dict[str, str] = {}  # over all lists: an image in two may leak into training
    for split, list_name in _LISTS.items():
        listed: Images = {}
        for where, filename, class_name in _rows(root / list_name):
            _check_class(where, class_name, split)
            if filename not in files:
                raise UserError(f"{where}: there is no image {folder / filename}; add it")
            if filename in place_of:
                raise UserError(
                    f"{where}: lists {filename}, as does {place_of[filename]}; "
                    "use the lists of Ravi and Larochelle"
                )
            place_of[filename] = where
            listed.setdefault(class_name, []).append(files[filename])
        found[split] = {name: sorted(paths) for name, paths in listed.items()}
        _check_complete(root / list_name, found[split], split)
    return found


def _find_in_class_folders(folder: Path) -> dict[str, Images]:
    found: dict[str, Images] = {}
    for split, names in CLASSES.items():
        present = [name for name in names if (folder / name).is_dir()]
        found[split] = {name: list_images(folder / name) for name in present}
        _check_complete(folder, found[split], split)
    return found


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """The place (for errors), file name and class of every row of a list."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, restval="")
            if not {"filename", "label"} <= set(reader.fieldnames or ()):
                raise UserError(f"{path}: has no columns filename,label; download it again")
            for row in reader:
                yield f"{path}, line {reader.line_num}", row["filename"], row["label"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UserError(f"{path}: cannot be read ({reason}); download it again") from error


def _check_class(where: str, class_name: str, split: str) -> None:
    owner = _SPLIT_OF.get(class_name)
    if owner is None:
        raise UserError(f"{where}: {class_name!r} is no class of mini-ImageNet; correct the line")
    if owner != split:
        raise UserError(
            f"{where}: class {class_name} belongs in {_LISTS[owner]}; "
            "use the lists of Ravi and Larochelle"
        )


def _check_complete(source: Path, images: Images, split: str) -> None:
    names = CLASSES[split]
    if missing := [name for name in names if name not in images]:
        raise UserError(
            f"{source}: has {len(images)} of the {len(names)} {split} classes; "
            f"add {', '.join(missing[:3])}{' and the others' if missing[3:] else ''}"
        )
    for name in names:
        if len(images[name]) != IMAGES_PER_CLASS:
            raise UserError(
                f"{source}: has {len(images[name])} different images of class {name}, not "
                f"{IMAGES_PER_CLASS}; use the images that mini-ImageNet consists of"
            )
