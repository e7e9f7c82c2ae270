"""Which labelled images count as nearly the same."""

import numpy as np
import pytest

from sib_tf.serving.predict.near_duplicates import near_duplicates


def at(*degrees):
    """Features on a circle, of different lengths."""
    angles = np.deg2rad(degrees)
    lengths = np.arange(1, len(degrees) + 1)[:, np.newaxis]
    return lengths * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_near_is_a_tenth_of_the_distance_between_classes():
    # Between classes all but two pairs are at right angles or nearly so: the median distance is
    # about 1. A distance of 0.1 is an angle of arccos 0.9 = 25.8 degrees.
    labels = np.array([0, 0, 1, 1])
    assert near_duplicates(at(0, 20, 100, 130), labels) == [(0, 1)]
    assert near_duplicates(at(0, 30, 100, 130), labels) == []


@pytest.mark.parametrize("scale", [0.1, 0.01])
def test_it_means_the_same_where_all_features_are_alike(scale):
    angles = scale * np.array([0, 20, 100, 140])
    assert near_duplicates(at(*angles), np.array([0, 0, 1, 1])) == [(0, 1)]


def test_an_image_in_two_classes_is_found():
    assert near_duplicates(at(0, 90, 91, 180), np.array([0, 0, 1, 1])) == [(1, 2)]
