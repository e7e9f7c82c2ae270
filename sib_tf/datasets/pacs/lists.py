"""The lists of PACS: which images are for training, validation and testing in each domain."""

import itertools
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sib_tf.base.errors import UserError, first_line
from sib_tf.datasets.images import list_folders, list_images

DOMAINS = ("art_painting", "cartoon", "photo", "sketch")
CLASSES = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")
PARTS = ("train", "crossval", "test")
SPLITS = {f"{domain}_{part}": (domain, part) for domain in DOMAINS for part in PARTS}
"""Split -> its domain and the part of it."""

INSTRUCTIONS = (
    "Put there a folder PACS with kfold/DOMAIN/CLASS/ and the lists DOMAIN_train_kfold.txt, "
    "DOMAIN_crossval_kfold.txt and DOMAIN_test_kfold.txt. To use another folder DIR, give "
    "--config.manual_dir=DIR."
)
_LOG = logging.getLogger("sib_tf")


def find_images(manual_dir: Path) -> dict[str, dict[str, list[Path]]]:
    """Finds the images of every split, and says once which faults of the lists were mended.

    The label of an image is the name of its folder, whatever a list says, and an image that a list
    names twice counts once.

    Args:
        manual_dir: folder with `kfold` and the lists, or with a folder `PACS` that holds them.

    Returns:
        Split -> class -> image files, sorted.

    Raises:
        UserError: if the data set or a list is missing or damaged, a list names a file that is not
            there or an image of another domain, an image is listed for training and for validation,
            one on the disk is in no test list, or there is another class folder.
    """
    nested = manual_dir / "PACS"
    root = nested if nested.is_dir() else manual_dir
    if not (root / "kfold").is_dir():
        raise UserError(f"{root}: does not hold PACS. {INSTRUCTIONS}")
    found, faults = {}, []
    for domain in DOMAINS:
        on_disk = _on_disk(root / "kfold", domain)
        lists = {part: _read(root / f"{domain}_{part}_kfold.txt", on_disk) for part in PARTS}
        _refuse_leak(lists["train"], lists["crossval"])
        _refuse_unlisted(lists["test"], on_disk)
        for part, one in lists.items():
            found[f"{domain}_{part}"] = _by_class(one, on_disk)
            faults += one.faults
        faults += _in_neither(lists)
    if faults:
        _LOG.warning("Faults of the lists of PACS: %s.", "; ".join(faults))
    return found


class _List(NamedTuple):
    """A list that has been read.

    Attributes:
        file: the file.
        lines: image, as "DOMAIN/CLASS/FILE" -> number of its line.
        faults: what was mended, a sentence each.
    """

    file: Path
    lines: dict[str, int]
    faults: list[str]


def _read(file: Path, on_disk: Mapping[str, Path]) -> _List:
    lines: dict[str, int] = {}
    faults = []
    for number, name, label in _rows(file):
        if name not in on_disk:
            raise UserError(
                f"{file}, line {number}: names {name}, which is no image of this domain in "
                f"{file.parent / 'kfold'}; add it or correct the line"
            )
        if label != CLASSES.index(_class_of(name)) + 1:
            faults.append(f"{file.name} gives {name} the label {label}")
        if name in lines:
            faults.append(f"{file.name} lists {name} twice")
        lines.setdefault(name, number)
    return _List(file, lines, faults)


def _rows(file: Path) -> Iterator[tuple[int, str, int]]:
    """Number of the line, image and label of every line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UserError(f"{file}: cannot be read ({reason}); download it again") from error
    if not lines:
        raise UserError(f"{file}: is empty; download it again")
    for number, line in enumerate(lines, start=1):
        match line.split():
            case [name, label] if label.isdecimal():
                yield number, name, int(label)
            case _:
                raise UserError(
                    f"{file}, line {number}: is not an image and its label; download it again"
                )


def _on_disk(kfold: Path, domain: str) -> dict[str, Path]:
    """The images of a domain by "DOMAIN/CLASS/FILE"."""
    folders = {folder.name: folder for folder in list_folders(kfold / domain)}
    for name in folders:
        if name not in CLASSES:
            raise UserError(f"{folders[name]}: is no class of PACS; move it away")
    for name in CLASSES:
        if name not in folders:
            raise UserError(f"{kfold / domain}: has no class folder {name}; add it")
    return {
        f"{domain}/{name}/{file.name}": file
        for name in CLASSES
        for file in list_images(folders[name])
    }


def _refuse_leak(train: _List, crossval: _List) -> None:
    for name in train.lines.keys() & crossval.lines.keys():
        raise UserError(
            f"{crossval.file}, line {crossval.lines[name]}: lists {name}, as does {train.file}, "
            f"line {train.lines[name]}; use the lists of Li et al."
        )


def _refuse_unlisted(test: _List, on_disk: Mapping[str, Path]) -> None:
    unlisted = sorted(on_disk.keys() - test.lines.keys())
    if unlisted:
        raise UserError(
            f"{test.file}: lacks {len(unlisted)} of the images, such as {on_disk[unlisted[0]]}; "
            "download the list again or move them away"
        )


def _in_neither(lists: Mapping[str, _List]) -> list[str]:
    train, crossval, test = (lists[part] for part in PARTS)
    missing = sorted(test.lines.keys() - train.lines.keys() - crossval.lines.keys())
    if not missing:
        return []
    others = f" and {len(missing) - 1} others" if missing[1:] else ""
    return [f"neither {train.file.name} nor {crossval.file.name} lists {missing[0]}{others}"]


def _by_class(listed: _List, on_disk: Mapping[str, Path]) -> dict[str, list[Path]]:
    classes = itertools.groupby(sorted(listed.lines), _class_of)
    return {name: [on_disk[image] for image in images] for name, images in classes}


def _class_of(name: str) -> str:
    return name.split("/")[1]
