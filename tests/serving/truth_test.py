"""The truth about queries, from a folder in which they are sorted."""

import shutil

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.serving.predict import truth

NAMES = ("cat", "dog")


@pytest.fixture
def folder(tmp_path):
    for name in ("cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/1.jpg", "fox/4.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_labels_are_found_by_the_names_of_files(folder):
    found = truth.read(folder, NAMES, [folder / "query/3.jpg", folder / "query/2.jpg"])
    files = [folder / name for name in ("2.jpg", "9.jpg", "3.jpg")]
    assert truth.labels(found, files).tolist() == [0, truth.UNKNOWN, 1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("1.jpg", "1.jpg is in 2 class folders, cat, dog; leave it in one"),
        ("4.jpg", "fox/4.jpg: the support has no class 'fox'"),
        ("5.jpg", "has no 5.jpg in a class folder; correct --truth"),
    ],
)
def test_a_file_in_no_or_several_or_other_classes_is_refused(folder, name, words):
    with pytest.raises(UserError, match=words) as caught:
        truth.read(folder, NAMES, [folder / "query" / name])
    assert "\n" not in str(caught.value)


def test_all_files_without_a_truth_are_counted_and_the_first_ten_named(folder):
    files = [folder / f"{n}.jpg" for n in range(90, 102)]
    names = ", ".join(f"{n}.jpg" for n in range(90, 100))
    with pytest.raises(UserError, match=f": has no {names} and 2 more in a class folder;"):
        truth.read(folder, NAMES, [folder / "query/2.jpg", *files])


def test_parts_are_taken_together(folder, tmp_path_factory):
    both = tmp_path_factory.mktemp("truth")
    shutil.copytree(folder / "cat", both / "train/cat")
    shutil.copytree(folder / "dog", both / "val/dog")
    (both / "val/dog/1.jpg").unlink()
    files = [both / f"{n}.jpg" for n in (3, 1, 2)]
    assert truth.labels(truth.read(both, NAMES, files), files).tolist() == [1, 0, 0]


def test_confusion_counts_what_is_known():
    found = truth.confusion(np.array([0, 0, 1, truth.UNKNOWN]), np.array([0, 1, 1, 1]), 2)
    assert found.tolist() == [[1, 1], [0, 1]]
