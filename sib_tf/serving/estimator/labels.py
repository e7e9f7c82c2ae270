"""Labels as scikit-learn takes them: class names, integers, or whatever else can be sorted."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from sib_tf.base.errors import UserError, first_line

_REMEDY = "give a class name or an integer for each image"


def encoded(name: str, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Numbers the classes in their sorted order.

    Args:
        name: name of the argument, for errors.
        labels: labels [S], of one type.

    Returns:
        The classes [N], and the number of each label's, int32 [S].

    Raises:
        UserError: if labels are missing, of several types, continuous or of several axes.
    """
    try:
        labels = column_or_1d(labels, warn=True)
        kind = type_of_target(labels)
        classes, numbers = np.unique(labels, return_inverse=True)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: cannot be used ({first_line(error)}); {_REMEDY}") from error
    if kind not in ("binary", "multiclass"):
        raise UserError(f"{name}: is {kind}; {_REMEDY}")
    return classes, numbers.astype(np.int32)
