"""Tasks that are refused before a server sees them."""

import dataclasses

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.serving.client import task_checks
from sib_tf.serving.predict.image_task import ImageTask

SIZE = (4, 6)  # height and width, pixels


def images(n, shape=(4, 6, 3)):
    return np.ones((n, *shape), np.uint8)


def labels(*values):
    return np.array(values, np.int32)


TASK = ImageTask(
    class_names=("a", "b", "c"),
    support_images=images(4),
    support_labels=labels(0, 2, 1, 1),
    query_images=images(1),
)


@pytest.mark.parametrize("num_classes", [None, 3])
def test_a_task_that_the_model_takes_passes(num_classes):
    task_checks.check(TASK, SIZE, num_classes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"support_images": images(4, (2, 6, 3))},
            r"support_images: have the shape \[4, 2, 6, 3\] .* takes \[n, 4, 6, 3\]; resize",
        ),
        ({"support_images": images(4, (4, 6, 1))}, "support_images: have the shape"),
        ({"query_images": images(1, (6, 4, 3))}, r"query_images: .* \[1, 6, 4, 3\]"),
        ({"query_images": images(0)}, "query_images: are none; give at least one"),
        (
            {"class_names": (), "support_images": images(0), "support_labels": labels()},
            "support_images: are none",
        ),
        (
            {"support_labels": labels(0, 1, 2)},
            r"support_labels: have the shape \[3\] beside 4 support_images; give one for each",
        ),
        ({"support_labels": labels(0, 0, 2, 2)}, r"support_labels: are \[0, 2\] for 3"),
        ({"support_labels": labels(0, 1, 2, 3)}, r"\[0, 1, 2, 3\] .*from 0 to 2 an example"),
        ({"support_labels": labels(-1, 0, 1, 2)}, r"\[-1, 0, 1, 2\] .*and no others"),
    ],
)
def test_a_task_that_the_model_does_not_take_is_refused(change, words):
    with pytest.raises(UserError, match=words) as caught:
        task_checks.check(dataclasses.replace(TASK, **change), SIZE, None)
    assert "\n" not in str(caught.value)


def test_another_number_of_classes_is_refused():
    with pytest.raises(UserError, match=r"^class_names: are 3 but the model tells 5 classes apart"):
        task_checks.check(TASK, SIZE, 5)
