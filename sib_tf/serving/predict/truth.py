"""What the queries really are, from a folder in which somebody has sorted them."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.base.file_names import legible
from sib_tf.datasets.images import list_files, list_folders, parts

UNKNOWN = -1  # the label of a file whose class is not told
_NAMED = 10  # files without a truth that are named


def read(folder: Path, class_names: Sequence[str], files: Iterable[Path]) -> Mapping[str, int]:
    """The labels of files by their names.

    Args:
        folder: folder with one folder per class, maybe in `train`, `val` and `test`, in which files
            have the names of `files`; others may be there, too.
        class_names: names of the classes, in the order of their labels.
        files: files to find.

    Raises:
        UserError: if the folder is missing, or a file is in none of the class folders, in two of
            them, or in that of a class which is none of `class_names`.
    """
    found: dict[str, list[str]] = {}
    for of_class in itertools.chain.from_iterable(map(list_folders, parts(folder))):
        for file in list_files(of_class):
            found.setdefault(file.name, []).append(legible(of_class.name))
    files = list(files)
    _refuse_missing(folder, [file.name for file in files if file.name not in found])
    return {file.name: _label(folder, class_names, file, found) for file in files}


def labels(truth: Mapping[str, int], files: Iterable[Path]) -> np.ndarray:
    """Labels of files, int32 [n]; `UNKNOWN` for those whose class is not told."""
    return np.array([truth.get(file.name, UNKNOWN) for file in files], np.int32)


def confusion(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """How many files of each class got each label, int [N, N], the classes in rows.

    Args:
        truth: labels of the files, int [n]; those that are `UNKNOWN` are not counted.
        predicted: predicted labels, int [n].
        num_classes: N.
    """
    known = truth != UNKNOWN
    counts = np.zeros((num_classes, num_classes), int)
    np.add.at(counts, (truth[known], predicted[known]), 1)
    return counts


def _refuse_missing(folder: Path, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise UserError(
            f"{folder}: has no {', '.join(names[:_NAMED])}{more} in a class folder; correct --truth"
        )


def _label(
    folder: Path, class_names: Sequence[str], file: Path, found: Mapping[str, Sequence[str]]
) -> int:
    match found[file.name]:
        case [name] if name in class_names:
            return class_names.index(name)
        case [name]:
            raise UserError(
                f"{folder / name / file.name}: the support has no class {name!r}; add it there, or "
                "correct --truth"
            )
        case names:
            raise UserError(
                f"{folder}: {file.name} is in {len(names)} class folders, {', '.join(names)}; "
                "leave it in one"
            )
