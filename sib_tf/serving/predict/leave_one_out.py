"""What accuracy to expect: the support classified as if its labels were not known."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sib_tf.base.intervals import paired_difference
from sib_tf.serving.exported_model import Answers
from sib_tf.serving.progress import progress

_MOST_SINGLE = 200  # support images that are left out one by one
_MOST_FOLDS = 50  # beyond
_MOST_QUERIES = 300  # that join a left-out image: the cost of the steps grows with their square


class Classifier(Protocol):
    """What answers for queries, given features, as an `ExportedModel` does."""

    def classify_features(
        self, support: np.ndarray, support_labels: np.ndarray, query: np.ndarray
    ) -> Answers:
        """Classifies every query by its features."""


@dataclass(frozen=True)
class Expectation:
    """Which support images are classified right when their labels are left out.

    Attributes:
        after_steps: after K steps, bool [S].
        inductive: before the first step, K = 0, bool [S].
        queries: how many queries took part in the steps.
    """

    after_steps: np.ndarray
    inductive: np.ndarray
    queries: int

    @property
    def steps_harm(self) -> bool:
        """Whether K = 0 is better by more than the interval of the difference."""
        difference, half_width = paired_difference(self.inductive, self.after_steps)
        return difference > half_width


def expectation(
    model: Classifier, support: np.ndarray, support_labels: np.ndarray, query: np.ndarray
) -> Expectation:
    """Lets each support image in turn be one more query, its label taken out of the support.

    Of many support images some are left out at a time, see `folds`; of many queries a random sample
    takes part.

    Args:
        model: model that answers.
        support: features of the support, float32 [S, D].
        support_labels: their labels, int32 [S]; every class has two or more.
        query: features of the queries, float32 [Q, D].
    """
    chosen = np.random.default_rng(0).permutation(len(query))[:_MOST_QUERIES]
    after_steps = np.zeros(len(support), bool)
    inductive = np.zeros(len(support), bool)
    parts = folds(support_labels)

    def without(left_out: np.ndarray) -> Answers:
        kept = ~left_out
        joined = np.concatenate([support[left_out], query[chosen]])
        return model.classify_features(support[kept], support_labels[kept], joined)

    # XLA takes the steps of a task on one core.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        results = progress(threads.map(without, parts), len(parts), "expected accuracy", "part")
        for left_out, answers in zip(parts, results, strict=True):
            truth = support_labels[left_out]
            for right, probabilities in zip((after_steps, inductive), answers, strict=True):
                right[left_out] = probabilities[: len(truth)].argmax(axis=1) == truth
    return Expectation(after_steps, inductive, len(chosen))


def folds(labels: np.ndarray) -> np.ndarray:
    """Which support images are left out together, each of them once and never all of a class.

    Up to 200 are left out one by one, more in 50 parts of equal size and like class shares.

    Args:
        labels: labels of the support, int [S]; every class has two or more.

    Returns:
        bool [folds, S].
    """
    count = len(labels) if len(labels) <= _MOST_SINGLE else _MOST_FOLDS
    # Dealt out class by class, so that those of a class are in as many parts as can be.
    part = np.empty(len(labels), int)
    part[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % count
    return part == np.arange(count)[:, np.newaxis]
