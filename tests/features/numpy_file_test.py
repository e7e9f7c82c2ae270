"""Features from a NumPy file, and the ways in which such a file is invalid."""

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.features import feature_table, numpy_file

FEATURES = np.arange(12).reshape(4, 3) / 7
LABELS = np.array(["owl", "cat", "owl", "dog"])


def save(folder, **arrays):
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


def test_names_become_numbers_in_their_order(tmp_path):
    table = numpy_file.read(save(tmp_path, features=FEATURES, labels=LABELS))
    assert table.labels.tolist() == [2, 0, 2, 1]
    assert table.features.dtype == np.float32
    np.testing.assert_array_equal(table.features, FEATURES[np.newaxis].astype(np.float32))


def test_a_stored_table_comes_back(tmp_path):
    two_views = np.stack([FEATURES, -FEATURES]).astype(np.float32)
    feature_table.write(tmp_path / "records", feature_table.FeatureTable(two_views, np.arange(4)))
    found = feature_table.read(tmp_path / "records")
    np.testing.assert_array_equal(found.features, two_views)
    np.testing.assert_array_equal(found.labels, np.arange(4))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"features": FEATURES}, "cannot be read.*labels.*write it with np.savez"),
        ({"features": FEATURES, "labels": LABELS[:3]}, r"got \[4, 3\] and \[3\]"),
        ({"features": FEATURES[0], "labels": LABELS[:3]}, r"got \[3\] and \[3\]"),
        ({"features": FEATURES[:0], "labels": LABELS[:0]}, r"got \[0, 3\] and \[0\]"),
        ({"features": FEATURES.astype(str), "labels": LABELS}, "must be real numbers, got <U"),
        ({"features": FEATURES.astype(object), "labels": LABELS}, "cannot be read.*pickle"),
        (
            {"features": np.where(FEATURES == 1, np.nan, FEATURES), "labels": LABELS},
            "row 2, label owl, are NaN",
        ),
    ],
)
def test_an_invalid_file_is_named_with_the_reason(tmp_path, arrays, words):
    with pytest.raises(UserError, match=f"mine.npz.*{words}"):
        numpy_file.read(save(tmp_path, **arrays))


@pytest.mark.parametrize("content", [None, b"", b"features", b"PK\x03\x04 cut"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.npz cannot be read \(.*np\.savez"):
        numpy_file.read(tmp_path / "mine.npz")
