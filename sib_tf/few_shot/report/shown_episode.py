"""The test episode that a report shows."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class ShownEpisode:
    """One test episode with what was predicted in it, for the pictures.

    Attributes:
        class_names: names of the N classes.
        support_images: support images, uint8 [S, H, W, 3].
        support_labels: labels of the support images, int [S], 0 .. N-1.
        query_images: query images, uint8 [Q, H, W, 3].
        query_labels: true labels of the query images, int [Q], 0 .. N-1.
        probabilities: predictions after 0 .. K synthetic-gradient steps, float [K+1, Q, N].

    Raises:
        ValueError: if an array has another shape, or images are not uint8.
    """

    class_names: Sequence[str]
    support_images: np.ndarray
    support_labels: np.ndarray
    query_images: np.ndarray
    query_labels: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        for part in ("support", "query"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
                raise ValueError(
                    f"{part}_images must be uint8 [n, H, W, 3], "
                    f"got {images.dtype} {list(images.shape)}."
                )
            if labels.shape != images.shape[:1]:
                raise ValueError(
                    f"{part}_labels must have the shape {list(images.shape[:1])}, "
                    f"one for each image, got {list(labels.shape)}."
                )
        expected = (len(self.query_labels), len(self.class_names))
        if self.probabilities.ndim != 3 or self.probabilities.shape[1:] != expected:
            raise ValueError(
                f"probabilities must have the shape [K + 1, {expected[0]}, {expected[1]}], "
                f"got {list(self.probabilities.shape)}."
            )

    @property
    def num_steps(self) -> int:
        """K."""
        return len(self.probabilities) - 1

    def is_right(self, step: int) -> np.ndarray:
        """Which queries are classified correctly after `step` steps, bool [Q]."""
        return self.probabilities[step].argmax(axis=-1) == self.query_labels
