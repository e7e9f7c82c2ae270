"""Everything that is known once a folder is classified."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sib_tf.serving.exported_model import Answers
from sib_tf.serving.predict.leave_one_out import Expectation
from sib_tf.serving.predict.task import Task


@dataclass(frozen=True)
class Outcome:
    """The answers for a folder of images, and what speaks for and against them.

    Attributes:
        task: files and thumbnails.
        answers: probabilities after K steps and at K = 0, float32 [Q, N] each.
        takes_steps: whether the answers after K steps are given, and not those at K = 0.
        expectation: what the labelled images say of the accuracy; None if they cannot.
        near_duplicates: pairs of support files that are nearly the same.
        truth: true labels of the queries, int32 [Q], `truth.UNKNOWN` for some; None if not given.
    """

    task: Task
    answers: Answers
    takes_steps: bool
    expectation: Expectation | None = None
    near_duplicates: tuple[tuple[Path, Path], ...] = ()
    truth: np.ndarray | None = None

    @property
    def probabilities(self) -> np.ndarray:
        """Class probabilities of the answers that are given, float32 [Q, N]."""
        return self.answers.probabilities if self.takes_steps else self.inductive_probabilities

    @property
    def inductive_probabilities(self) -> np.ndarray:
        """Class probabilities at K = 0, float32 [Q, N]."""
        return self.answers.inductive_probabilities

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels that are given, int [Q]."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def inductive_labels(self) -> np.ndarray:
        """Labels at K = 0, int [Q]."""
        return self.inductive_probabilities.argmax(axis=1)

    @property
    def files_per_class(self) -> np.ndarray:
        """How many files got each label, int [N]."""
        return np.bincount(self.labels, minlength=len(self.task.class_names))

    @property
    def unreadable(self) -> int:
        """How many files could not be read."""
        return int(np.sum(~self.task.query.readable))


def margins(probabilities: np.ndarray) -> np.ndarray:
    """Probability of the label minus that of the second best, float [Q], of [Q, N], N >= 2."""
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    return first - second
