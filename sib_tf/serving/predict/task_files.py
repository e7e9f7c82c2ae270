"""The files of a task: some of every class, and those to classify."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import logging

from sib_tf.base.errors import UserError
from sib_tf.datasets.images import list_class_folders, list_files, list_folders


class TaskFiles(NamedTuple):
    """The files of a task, readable or not.

    Attributes:
        class_names: names of the N classes, in the order of their labels.
        support: files of the support, grouped by class.
        support_labels: their labels, int32 [files], 0 .. N-1.
        query_folder: folder of the files to classify.
        query: files to classify.
    """

    class_names: tuple[str, ...]
    support: tuple[Path, ...]
    support_labels: np.ndarray
    query_folder: Path
    query: tuple[Path, ...]


def find_files(support: Path, query: Path, num_classes: int | None) -> TaskFiles:
    """Finds the files of a task; warns of others.

    Args:
        support: folder with one folder of images for each class.
        query: folder of the images to classify, whatever the endings of their names.
        num_classes: how many classes there must be; None if any number from two.

    Raises:
        UserError: if a folder is missing or empty, or there is another number of classes.
    """
    classes = list_class_folders(support)
    _check_number(support, len(classes), num_classes)
    labels = [label for label, files in enumerate(classes.values()) for _ in files]
    return TaskFiles(
        tuple(classes),
        tuple(file for files in classes.values() for file in files),
        np.array(labels, np.int32),
        query,
        _query_files(query),
    )


def find_unlabelled(class_names: Sequence[str], query: Path) -> TaskFiles:
    """Finds the files of a task without support; warns of others.

    Args:
        class_names: names of the classes, in the order of their labels.
        query: folder of the images to classify, whatever the endings of their names.

    Raises:
        UserError: if the folder is missing.
    """
    none = np.empty(0, np.int32)
    return TaskFiles(tuple(class_names), (), none, query, _query_files(query))


def _query_files(query: Path) -> tuple[Path, ...]:
    for folder in list_folders(query):
        logging.warning("Skipped: %s: is a folder; name it as the query to classify it", folder)
    return tuple(list_files(query))


def _check_number(support: Path, found: int, num_classes: int | None) -> None:
    if found < 2:
        raise UserError(f"{support}: has one class folder only; add those of the other classes")
    if num_classes not in (None, found):
        raise UserError(
            f"{support}: has {found} class folders but the model tells {num_classes} classes "
            f"apart; give it {num_classes} class folders, or name a --model for any number of "
            "classes, such as that of `make photographs`"
        )
