"""Which classes are in which split: drawn with a seed, or listed."""

import pytest

from sib_tf.base.errors import UserError
from sib_tf.datasets.class_division import split_classes
from sib_tf.datasets.prepared import SPLITS

NOT_LISTED = {split: () for split in SPLITS}


@pytest.mark.parametrize(
    ("num_classes", "sizes"),
    [
        (3, (1, 1, 1)),
        (14, (6, 4, 4)),
        (15, (5, 5, 5)),
        (28, (17, 5, 6)),
        (31, (20, 5, 6)),
        (100, (64, 16, 20)),
    ],
)
def test_drawn_splits_partition_the_classes(num_classes, sizes):
    classes = [f"class{label}" for label in range(num_classes)]
    splits = split_classes(classes, 0, NOT_LISTED)
    assert tuple(len(splits[split]) for split in SPLITS) == sizes
    assert sorted(name for names in splits.values() for name in names) == sorted(classes)


def test_draw_depends_only_on_names_and_seed():
    classes = [f"class{label}" for label in range(50)]
    splits = split_classes(classes, 0, NOT_LISTED)
    assert split_classes(classes[::-1], 0, NOT_LISTED) == splits
    assert split_classes(classes, 1, NOT_LISTED) != splits


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ((("a",), ("b",), ()), "^test_classes: is empty"),
        ((("a",), ("b",), ("x",)), "^test_classes: there is no class 'x'"),
        ((("a", "b"), ("b",), ("c",)), "^validation_classes: class 'b' is already in train_cl"),
        ((("a", "a"), ("b",), ("c",)), "^train_classes: class 'a' is already in train_classes"),
    ],
)
def test_bad_lists_are_refused(listed, message):
    with pytest.raises(UserError, match=message):
        split_classes(["a", "b", "c"], 0, dict(zip(SPLITS, listed, strict=True)))


def test_fewer_than_three_classes_are_refused():
    with pytest.raises(UserError, match="at least 3"):
        split_classes(["a", "b"], 0, NOT_LISTED)
