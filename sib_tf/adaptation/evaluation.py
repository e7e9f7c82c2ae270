"""Accuracy on all images of the target, after 0, 1, ..., K synthetic-gradient steps."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from sib_tf.adaptation.batches import FeatureRows, evaluation_batches
from sib_tf.adaptation.minibatches.reader import MinibatchTable
from sib_tf.adaptation.model import ZeroShotClassifier
from sib_tf.adaptation.start import Start
from sib_tf.base.intervals import Z_95, paired_difference
from sib_tf.features.feature_table import FeatureTable

_ROWS = 1000  # features held at a time


def classify(
    model: ZeroShotClassifier, features: FeatureTable, minibatches: MinibatchTable, num_steps: int
) -> np.ndarray:
    """What a model says of each image, which is in one minibatch.

    Args:
        model: trained model.
        features: features of the n images of one domain.
        minibatches: minibatches of them.
        num_steps: K, the largest number of steps.

    Returns:
        Probabilities by the position of the image, float32 [K+1, n, N].
    """
    batches = evaluation_batches(FeatureRows([features]), minibatches, starts=[0])

    # Of minibatches of hundreds there are few: tracing would take longer than it saves.
    found = np.concatenate(
        [tf.nn.softmax(model.logits_path(inputs, num_steps)) for inputs, _, _ in batches], axis=1
    )
    of_images = np.empty((num_steps + 1, len(features.labels), model.way), np.float32)
    of_images[:, minibatches.ids[minibatches.present]] = found[:, minibatches.present]
    return of_images


def of_start(start: Start, features: FeatureTable) -> np.ndarray:
    """What the classifier of pre-training says of each image, as it is upright.

    Returns:
        Probabilities, float32 [1, n, N].
    """
    theta, rows = _unit(start.theta), features.features[0]
    parts = (rows[first : first + _ROWS] for first in range(0, len(rows), _ROWS))
    logits = [start.scale * (_unit(part) @ theta.T + start.bias) for part in parts]
    return tf.nn.softmax(np.concatenate(logits)).numpy()[np.newaxis]


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def rows(method: str, probabilities: np.ndarray, labels: np.ndarray) -> Iterator[dict]:
    """A result for each number of steps.

    Args:
        method: name of what was evaluated.
        probabilities: float [K+1, n, N].
        labels: int [n].

    Yields:
        `method`, `num_steps`, `accuracy`, a fraction, and `ci95`, the half width of its interval
        over the images.
    """
    for k, of_step in enumerate(probabilities):
        accuracy = float(np.mean(of_step.argmax(axis=1) == labels))
        error = math.sqrt(accuracy * (1 - accuracy) / len(labels))
        yield {"method": method, "num_steps": k, "accuracy": accuracy, "ci95": Z_95 * error}


def differences(
    method: str, num_steps: int, found: Mapping[str, np.ndarray], labels: np.ndarray
) -> Iterator[dict]:
    """How much better a method is than itself at K = 0, and than the others after as many steps.

    Args:
        method: one of those in `found`.
        num_steps: its number of steps; that of the others, if they take any.
        found: probabilities of each method, float [K+1, n, N].
        labels: int [n].

    Yields:
        `than` and `than_steps`, the other; `difference` of the accuracies, a fraction, and `ci95`,
        the half width of its interval over the images, which are the same.
    """
    right = {name: path.argmax(axis=-1) == labels for name, path in found.items()}
    for other, path in right.items():
        than_steps = 0 if other == method else min(num_steps, len(path) - 1)
        difference, ci95 = paired_difference(right[method][num_steps], path[than_steps])
        yield {"than": other, "than_steps": than_steps, "difference": difference, "ci95": ci95}


def confusion(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How many images of each class (rows) got each label, int [N, N], of float [n, N]."""
    counts = np.zeros([probabilities.shape[1]] * 2, int)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return counts
