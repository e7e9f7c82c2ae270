"""Counts the classes that are too small for an episode, for the display of the engine."""

from collections.abc import Iterator

import apache_beam as beam
import numpy as np

from sib_tf.beam.counters import counter


class CountSmallClasses(beam.PTransform):
    """Counts classes by all their examples, wherever these lie; what is too small is not refused.

    Takes (part of the split, its labels int64 [n]) and gives nothing.

    Args:
        needed: number of examples that a class must have.
    """

    def __init__(self, needed: int) -> None:
        super().__init__()
        self._needed = needed

    def expand(self, parts: beam.PCollection) -> beam.PCollection:
        """Called by Beam."""
        return (
            parts
            | "Classes" >> beam.FlatMap(_class_sizes)
            | "Sizes" >> beam.CombinePerKey(sum)
            | "Count" >> beam.FlatMap(_count, self._needed)
        )


def _class_sizes(part: tuple[int, np.ndarray]) -> Iterator[tuple[int, int]]:
    classes, sizes = np.unique(part[1], return_counts=True)
    return zip(classes.tolist(), sizes.tolist(), strict=True)


def _count(class_size: tuple[int, int], needed: int) -> list:
    if class_size[1] < needed:
        counter("classes too small").inc()
    return []
