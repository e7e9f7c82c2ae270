"""Features from elsewhere: a NumPy file with a row for each image."""

from pathlib import Path

import numpy as np

from sib_tf.base.errors import UserError, first_line
from sib_tf.features.array_file import DAMAGES
from sib_tf.features.feature_table import FeatureTable, not_finite

_ARRAYS = ("features", "labels")


def read(file: Path) -> FeatureTable:
    """Reads a `.npz` file of `features`, numbers [n, D], and `labels`, [n].

    Args:
        file: what `np.savez(file, features=features, labels=labels)` writes.

    Returns:
        The features as float32, and the labels as numbers 0, 1, ... in the order of their names.

    Raises:
        UserError: if the file is missing, not of this kind, or holds NaN or infinite features;
            names it.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            features, labels = (arrays[name] for name in _ARRAYS)
    except DAMAGES as error:
        raise UserError(
            f"{file} cannot be read ({first_line(error)}): write it with np.savez(file, "
            "features=..., labels=...)."
        ) from None
    if features.ndim != 2 or labels.shape != features.shape[:1] or not features.size:
        raise UserError(
            f"{file}: features must be [n, D] and labels [n], got {list(features.shape)} and "
            f"{list(labels.shape)}."
        )
    if features.dtype.kind not in "fiu":
        raise UserError(f"{file}: features must be real numbers, got {features.dtype}.")
    if labels.dtype.kind not in "iuU":
        raise UserError(f"{file}: labels must be whole numbers or names, got {labels.dtype}.")
    names, numbers = np.unique(labels, return_inverse=True)
    table = FeatureTable(features[np.newaxis].astype(np.float32), numbers)
    if len(bad := not_finite(table.features, axes=(0, 2))):
        raise UserError(
            f"{file}: the features of row {bad[0]}, label {names[numbers[bad[0]]]}, are NaN or "
            "infinite: mend or leave out the row."
        )
    return table
