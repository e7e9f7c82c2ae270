"""Evaluation on fixed episodes: accuracy with its interval, and calibration, after 0..K steps."""

import dataclasses
import functools
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.model import FewShotClassifier

# Episodes of one XLA call. Fixed, because their number changes the last bits of a prediction.
BATCH = 100
CALIBRATION_BINS = 15
Z_95 = 1.96  # half width of a 95 % interval, in standard errors


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a model says of E episodes after 0..K steps.

    Attributes:
        probabilities: float32 [K+1, E, Q, N].
        labels: int32 [E, Q], the truth.
        seconds: of the one pass over all episodes that gave all of them, features in memory,
            compilation left out; added up over the workers, if there are several.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    seconds: float


class Predictor:
    """Runs a model, keeping what it predicts after each of 0..K steps.

    Args:
        model: to run.
        num_steps: K.
    """

    def __init__(self, model: FewShotClassifier, num_steps: int) -> None:
        # A partial is a function of its own to TensorFlow, which would take the models of a search
        # for one that is traced too often.
        self._probabilities = tf.function(
            functools.partial(_probabilities, model, num_steps), jit_compile=True, autograph=False
        )
        self._compiled: set[int] = set()

    def __call__(self, features: FeatureTable, episodes: EpisodeTable) -> Predictions:
        """Predicts some episodes, in one call, on the first view of each image."""
        # Each number of episodes is a program of its own.
        if len(episodes) not in self._compiled:
            self._probabilities(_inputs(features, episodes))
            self._compiled.add(len(episodes))
        start = time.perf_counter()
        found = self._probabilities(_inputs(features, episodes)).numpy()
        return Predictions(found, episodes.query_labels, time.perf_counter() - start)


def _probabilities(
    model: FewShotClassifier, num_steps: int, inputs: dict[str, tf.Tensor]
) -> tf.Tensor:
    return tf.nn.softmax(model.logits_path(inputs, num_steps))


def _inputs(features: FeatureTable, episodes: EpisodeTable) -> dict[str, tf.Tensor]:
    rows = features.features[0]
    return {
        "support_features": tf.constant(rows[episodes.support_ids]),
        "support_labels": tf.constant(episodes.support_labels),
        "query_features": tf.constant(rows[episodes.query_ids]),
    }


def predict(
    model: FewShotClassifier,
    features: FeatureTable,
    episodes: EpisodeTable,
    num_steps: int,
    batch_size: int = BATCH,
) -> Predictions:
    """Runs a model over all episodes, keeping what it predicts after each of 0..num_steps steps."""
    predictor = Predictor(model, num_steps)
    starts = range(0, len(episodes), batch_size)
    return joined([predictor(features, episodes.part(n, n + batch_size)) for n in starts])


def joined(parts: Sequence[Predictions]) -> Predictions:
    """The predictions of consecutive episodes as one."""
    return Predictions(
        np.concatenate([part.probabilities for part in parts], axis=1),
        np.concatenate([part.labels for part in parts]),
        sum(part.seconds for part in parts),
    )


def rows(predictions: Predictions, steps: Sequence[int], **labels: object) -> list[dict]:
    """One row of `report.json` for each K in `steps`, begun with `labels`.

    `seconds` is the same in all of them: that of the one pass which goes through all K.
    """
    return [
        {
            **labels,
            "num_steps": k,
            **accuracy(predictions.probabilities[k], predictions.labels),
            **calibration(predictions.probabilities[k], predictions.labels),
            "seconds": round(predictions.seconds, 3),
        }
        for k in steps
    ]


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Mean accuracy over episodes and the half width of its 95 % interval, as fractions.

    Args:
        probabilities: [E, Q, N].
        labels: int [E, Q].

    Returns:
        `accuracy`, the mean over episodes of the mean over queries, and `ci95`,
        1.96 * std / sqrt(E) with the standard deviation over episodes.
    """
    of_episode = np.mean(probabilities.argmax(-1) == labels, axis=1)
    half_width = Z_95 * of_episode.std() / np.sqrt(len(of_episode))
    return {"accuracy": float(of_episode.mean()), "ci95": float(half_width)}


def calibration(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    """Expected calibration error and the reliability diagram behind it.

    All queries of all episodes are sorted into 15 bins of equal width by their top probability;
    `ece` is the mean over queries of |accuracy - confidence| of their bin (Guo et al., 2017).

    Args:
        probabilities: [E, Q, N].
        labels: int [E, Q].

    Returns:
        `ece`, and `reliability` with `confidence`, `accuracy` (None in an empty bin) and `count` by
        bin.
    """
    confidence = probabilities.max(-1).ravel()
    correct = (probabilities.argmax(-1) == labels).ravel()
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    count = np.bincount(bins, minlength=CALIBRATION_BINS)
    confidence_sum = np.bincount(bins, confidence, minlength=CALIBRATION_BINS)
    correct_sum = np.bincount(bins, correct, minlength=CALIBRATION_BINS)

    def mean(sums: np.ndarray) -> list[float | None]:
        return [float(s / c) if c else None for s, c in zip(sums, count, strict=True)]

    return {
        "ece": float(np.abs(correct_sum - confidence_sum).sum() / len(correct)),
        "reliability": {
            "confidence": mean(confidence_sum),
            "accuracy": mean(correct_sum),
            "count": count.tolist(),
        },
    }
