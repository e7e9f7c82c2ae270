"""The accuracy to expect: what is left out is left out, and the rest is as it is used."""

import numpy as np
import pytest

from sib_tf.serving.exported_model import Answers
from sib_tf.serving.predict import leave_one_out
from sib_tf.serving.predict.leave_one_out import Expectation, expectation, folds


class Nearest:
    """The label of the nearest support example; K = 0 always says 0. Keeps what it is asked."""

    def __init__(self):
        self.asked = []

    def classify_features(self, support, support_labels, query):
        self.asked.append((support, support_labels, query))
        distances = np.abs(query - support.T)
        found = np.eye(2)[support_labels[distances.argmin(axis=1)]]
        return Answers(found, np.tile([1.0, 0.0], (len(query), 1)))


# On a line: 1 at 0.15 lies among those of 0, and 0 at 9.4 among those of 1.
SUPPORT = np.array([[0], [0.1], [9.4], [0.15], [9], [9.5]])
LABELS = np.array([0, 0, 0, 1, 1, 1], np.int32)
QUERY = np.array([[-100.0], [100], [200]])


def test_each_image_is_classified_by_the_others():
    found = expectation(Nearest(), SUPPORT, LABELS, QUERY)
    assert found.after_steps.tolist() == [True, False, False, False, False, False]
    assert found.inductive.tolist() == [True, True, True, False, False, False]
    assert found.queries == 3


def test_the_model_sees_neither_the_label_nor_the_place_of_what_is_left_out():
    model = Nearest()
    expectation(model, SUPPORT, LABELS, QUERY)
    left_out = [int(np.flatnonzero(SUPPORT[:, 0] == query[0, 0])[0]) for _, _, query in model.asked]
    assert sorted(left_out) == list(range(len(SUPPORT)))
    for index, (support, labels, query) in zip(left_out, model.asked, strict=True):
        np.testing.assert_array_equal(support, np.delete(SUPPORT, index, axis=0))
        np.testing.assert_array_equal(labels, np.delete(LABELS, index))
        np.testing.assert_array_equal(np.sort(query[1:], axis=0), QUERY)


def test_of_many_queries_some_take_part(monkeypatch):
    monkeypatch.setattr(leave_one_out, "_MOST_QUERIES", 2)
    model = Nearest()
    assert expectation(model, SUPPORT, LABELS, QUERY).queries == 2
    assert all(len(query) == 3 for _, _, query in model.asked)


@pytest.mark.parametrize(
    ("shots", "count"), [([2, 2], 4), ([2, 198], 200), ([2, 199], 50), ([2] * 150, 50)]
)
def test_every_image_is_left_out_once_and_no_class_is_left_empty(shots, count):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(shots)), shots))
    found = folds(labels)
    assert found.shape == (count, len(labels))
    np.testing.assert_array_equal(found.sum(axis=0), 1)
    sizes = found.sum(axis=1)
    assert sizes.max() - sizes.min() <= 1
    for left_out in found:
        assert set(labels[~left_out]) == set(range(len(shots)))


def test_steps_harm_where_they_lose_more_than_chance_would():
    def expected(lost, gained=0):
        after_steps = np.arange(35) >= lost
        inductive = (np.arange(35) < lost) | (np.arange(35) >= lost + gained)
        return Expectation(after_steps, inductive, 0)

    assert not expected(4).steps_harm  # 0.108 +- 0.113, see intervals_test
    assert expected(5).steps_harm  # 5 / 37 = 0.135 +- 1.96 sqrt((6 / 37 - 0.135**2) / 37) = 0.122
    assert not expected(5, gained=4).steps_harm
    assert not expected(0, gained=9).steps_harm
