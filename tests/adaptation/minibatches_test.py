"""Minibatches: which images they are, how Beam stores them, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from sib_tf.adaptation.minibatches import schema
from sib_tf.adaptation.minibatches.reader import read
from sib_tf.adaptation.minibatches.sampling import (
    Divided,
    Drawn,
    Minibatch,
    refuse_small_domain,
)
from sib_tf.base.errors import UserError

SIZES = [10, 7, 23]
DRAWS = {"seed": 0, "stream": "test"}


def test_domains_are_drawn_in_turn_and_no_image_twice():
    drawn = Drawn(images=5, number=7)
    assert drawn.count(SIZES) == 7
    for index in range(7):
        domain, ids = drawn.members(SIZES, index, **DRAWS)
        assert domain == index % 3
        assert len(set(ids)) == 5
        assert 0 <= ids.min() <= ids.max() < SIZES[domain]


def test_draws_depend_on_seed_stream_and_number_alone():
    drawn = Drawn(images=5, number=9)
    first = drawn.members(SIZES, 2, **DRAWS)[1]
    np.testing.assert_array_equal(drawn.members(SIZES, 2, **DRAWS)[1], first)
    for other in ({"seed": 1, "stream": "test"}, {"seed": 0, "stream": "train"}):
        assert not np.array_equal(drawn.members(SIZES, 2, **other)[1], first)
    assert not np.array_equal(drawn.members(SIZES, 5, **DRAWS)[1], first)


def test_every_image_is_in_one_divided_minibatch():
    """10 / 4, 7 / 4 and 23 / 4 are 2, 1 and 5: of 5 and 5, 7, and 5, 5, 5, 4 and 4 images."""
    divided = Divided(images=4)
    assert divided.count(SIZES) == 8
    assert divided.largest(SIZES) == 7
    members = [divided.members(SIZES, index, **DRAWS) for index in range(8)]
    assert [len(ids) for _, ids in members] == [5, 5, 7, 5, 5, 5, 4, 4]
    for domain, size in enumerate(SIZES):
        ids = np.concatenate([ids for number, ids in members if number == domain])
        assert sorted(ids) == list(range(size))
        assert list(ids) != list(range(size))


def test_a_small_domain_is_divided_into_one():
    divided = Divided(images=8)
    assert divided.count([3]) == 1
    assert sorted(divided.members([3], 0, **DRAWS)[1]) == [0, 1, 2]


def test_a_minibatch_has_the_labels_of_its_images():
    labels = [np.arange(10) % 3, np.arange(7) % 2, np.arange(23) % 5]
    one = Drawn(images=4, number=3).minibatch(labels, 2, **DRAWS)
    np.testing.assert_array_equal(one.labels, one.ids % 5)


def test_a_domain_smaller_than_a_minibatch_is_named():
    words = r"config\.minibatches\.images=8 is more than the 7 images of photo_train: lower it"
    with pytest.raises(UserError, match=words):
        refuse_small_domain([10, 7], ["sketch_train", "photo_train"], 8)


def write(folder, minibatches):
    with tf.io.TFRecordWriter(str(folder / "one.tfrecord")) as writer:
        for minibatch in minibatches:
            writer.write(schema.encode(minibatch))


def minibatch(index, size=2):
    return Minibatch(index, index % 2, np.arange(size), np.arange(size) + 1)


def test_records_are_read_in_the_order_of_their_numbers_and_filled_up(tmp_path):
    write(tmp_path, [minibatch(1), minibatch(0, size=3)])
    table = read(tmp_path, count=2, largest=3)
    np.testing.assert_array_equal(table.domains, [0, 1])
    np.testing.assert_array_equal(table.ids, [[0, 1, 2], [0, 1, -1]])
    np.testing.assert_array_equal(table.labels, [[1, 2, 3], [1, 2, -1]])
    np.testing.assert_array_equal(table.present, [[True] * 3, [True, True, False]])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([minibatch(0)], r"does not hold each of the minibatches 0\.\.1 once: delete"),
        ([minibatch(0), minibatch(0)], r"does not hold each of the minibatches 0\.\.1 once"),
        ([minibatch(0), minibatch(1, size=4)], r"one\.tfrecord is truncated or not of the exp"),
    ],
)
def test_damaged_records_are_named(tmp_path, found, words):
    write(tmp_path, found)
    with pytest.raises(UserError, match=words):
        read(tmp_path, count=2, largest=3)
