"""What a model says of images that it was asked about."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Classification:
    """The answers for Q images and N classes.

    Attributes:
        class_names: labels of the classes, sorted, [N].
        probabilities: class probabilities, float32 [Q, N]: after K steps, or those of K = 0 if the
            classifier is not transductive.
        inductive_probabilities: class probabilities of K = 0, float32 [Q, N].
    """

    class_names: np.ndarray
    probabilities: np.ndarray
    inductive_probabilities: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The label of the most probable class of each image, [Q]."""
        return self.class_names[self.probabilities.argmax(axis=1)]
