"""Image files of a data set, read on a Beam worker."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sib_tf.counters import counter
from sib_tf.errors import UserError
from sib_tf.images import read_rgb


def read_all(files: Sequence[Path], size: int) -> Iterator[tuple[Path, np.ndarray]]:
    """Reads files in their order, as uint8 [size, size, 3]; counts them, and the unreadable ones.

    Raises:
        UserError: files are unreadable. It is raised after the last file, names the first of them
            and says how many there are.
    """
    errors = []
    for file in files:
        try:
            image = read_rgb(file, size=(size, size))
        except UserError as error:
            counter("unreadable images").inc()
            errors.append(error)
        else:
            counter("images").inc()
            yield file, image
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise UserError(
            f"{errors[0]} (the first of {len(errors)} unreadable images of {len(files)})"
        )
