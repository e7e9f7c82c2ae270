"""Evaluation on fixed episodes: accuracy with its interval, and calibration, after 0..K steps."""

import dataclasses
import functools
import time
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from sib_tf.base.errors import UserError
from sib_tf.base.intervals import Z_95
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.methods.registry import METHODS

# Episodes of one XLA call. Fixed, because their number changes the last bits of a prediction.
BATCH = 100
CALIBRATION_BINS = 15


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a method says of E episodes after 0 .. K steps; K is 0 for a method without steps.

    Attributes:
        probabilities: predicted probabilities of the classes, float32 [K+1, E, Q, N].
        labels: true labels of the queries, int32 [E, Q].
        seconds: duration of the one pass over all episodes that gave all probabilities, with the
            features in memory and without compilation; summed over workers if there are several.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    seconds: float


class Predictor:
    """Runs a method, compiled by XLA.

    Args:
        method: method to run.
        num_steps: K, the largest number of steps to evaluate.
    """

    def __init__(self, method: Method, num_steps: int) -> None:
        # A partial is a function of its own to TensorFlow, which would take the models of a search
        # for one that is traced too often.
        self._probabilities = tf.function(
            functools.partial(method, num_steps=num_steps), jit_compile=True, autograph=False
        )
        self._compiled: set[int] = set()

    def __call__(self, features: FeatureTable, episodes: EpisodeTable) -> Predictions:
        """Predicts some episodes, in one call, on the first view of each image."""
        # Each number of episodes is a program of its own.
        if len(episodes) not in self._compiled:
            self._probabilities(_inputs(features, episodes))
            self._compiled.add(len(episodes))
        inputs = _inputs(features, episodes)
        start = time.perf_counter()
        found = self._probabilities(inputs).numpy()
        return Predictions(found, episodes.query_labels, time.perf_counter() - start)


def _inputs(features: FeatureTable, episodes: EpisodeTable) -> dict[str, tf.Tensor]:
    rows = features.features[0]
    return {
        "support_features": tf.constant(rows[episodes.support_ids]),
        "support_labels": tf.constant(episodes.support_labels),
        "query_features": tf.constant(rows[episodes.query_ids]),
        "class_mask": tf.ones(episodes.classes.shape, tf.bool),
    }


def classify_episodes(
    method: Method,
    features: FeatureTable,
    episodes: EpisodeTable,
    num_steps: int,
    batch_size: int = BATCH,
) -> Predictions:
    """Runs a method over all episodes, in this process.

    Args:
        method: method to run.
        features: features of the images, of which the first view is used.
        episodes: episodes of these images.
        num_steps: K, the largest number of steps to evaluate.
        batch_size: number of episodes in a call.
    """
    predictor = Predictor(method, num_steps)
    starts = range(0, len(episodes), batch_size)
    return joined([predictor(features, episodes.part(n, n + batch_size)) for n in starts])


def joined(parts: Sequence[Predictions]) -> Predictions:
    """The predictions of consecutive episodes as one."""
    return Predictions(
        np.concatenate([part.probabilities for part in parts], axis=1),
        np.concatenate([part.labels for part in parts]),
        sum(part.seconds for part in parts),
    )


def refuse_not_finite(method: str, probabilities: np.ndarray) -> None:
    """Refuses predictions of a method that diverged.

    Raises:
        UserError: if a probability is NaN; names the method.
    """
    if np.isnan(probabilities).any():
        raise UserError(
            f"{METHODS[method].title} diverged: some of its probabilities are NaN. Check the "
            "features, or leave it out of the methods."
        )


def of_trained_model(found: Mapping[str, Predictions]) -> Predictions:
    """The predictions of the trained classifier among those of all methods, by name."""
    return next(found[name] for name in found if METHODS[name].iterative)


def rows(
    found: Mapping[str, Predictions],
    setting: Mapping[str, object],
    *,
    trained_steps: int,
    synthetic_gradient: str,
    train_query_shares: str,
) -> list[dict]:
    """The rows of `report.json`: one for each K of each method, in the order of the methods.

    `seconds` is the same in all rows of a method: that of the one pass which goes through all K.
    `differences` are paired, episode by episode, see `paired`: to the start of the steps, and to
    the most accurate result of the other methods, with its name as `method`.

    Args:
        found: predictions of the same episodes by name of the method.
        setting: `way`, `shot`, `query` and `query_shares` of the episodes.
        trained_steps: K of the training, at which an iterative method is compared with the others.
        synthetic_gradient: name of the classifier's xi in `XI`.
        train_query_shares: query shares of the episodes that the classifier was trained on.
    """
    training = {"synthetic_gradient": synthetic_gradient, "train_query_shares": train_query_shares}
    right = {name: of_episodes(p.probabilities, p.labels) for name, p in found.items()}
    compared = {name: of[min(trained_steps, len(of) - 1)] for name, of in right.items()}
    result = []
    for name, predictions in found.items():
        labels = METHODS[name].training(training)
        others = {other: of for other, of in compared.items() if other != name}
        for k, probabilities in enumerate(predictions.probabilities):
            result.append(
                {
                    "method": name,
                    "synthetic_gradient": labels["synthetic_gradient"],
                    **setting,
                    "train_query_shares": labels["train_query_shares"],
                    "num_steps": k,
                    **accuracy(probabilities, predictions.labels),
                    "differences": differences(right[name][k], others),
                    **calibration(probabilities, predictions.labels),
                    "seconds": round(predictions.seconds, 3),
                }
            )
    return result


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Mean accuracy over episodes and the half width of its 95 % interval, as fractions.

    Args:
        probabilities: predicted probabilities of the classes, float [E, Q, N].
        labels: true labels of the queries, int [E, Q].

    Returns:
        `accuracy`, the mean over episodes of the mean over queries, and `ci95`,
        1.96 * std / sqrt(E) with the standard deviation over episodes.
    """
    mean, half_width = mean_and_interval(of_episodes(probabilities, labels))
    return {"accuracy": mean, "ci95": half_width}


def paired(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Mean over the episodes of the difference of two accuracies, and its 95 % interval.

    Args:
        one: accuracy of each episode, float [E].
        other: accuracy of the same episodes that is subtracted, float [E].

    Returns:
        `mean` and `ci95`, the half width, as fractions.
    """
    mean, half_width = mean_and_interval(one - other)
    return {"mean": mean, "ci95": half_width}


def differences(of_episode: np.ndarray, others: Mapping[str, np.ndarray]) -> dict[str, dict]:
    """Paired differences to the start of the steps and to the most accurate other method.

    Args:
        of_episode: accuracy of each episode, float [E].
        others: accuracies of the same episodes by name of another method.

    Returns:
        `start` and `best_other`, as far as there are others, see `paired`; the latter with the name
        of its `method`.
    """
    found = {}
    if starts := [name for name in others if METHODS[name].is_start]:
        found["start"] = paired(of_episode, others[starts[0]])
    if others:
        best = max(others, key=lambda name: others[name].mean())
        found["best_other"] = {"method": best, **paired(of_episode, others[best])}
    return found


def of_episodes(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The accuracy of each episode, float [..., E], from probabilities [..., E, Q, N]."""
    return np.mean(probabilities.argmax(-1) == labels, axis=-1)


def mean_and_interval(of_episode: np.ndarray) -> tuple[float, float]:
    """Mean over the episodes and the half width of its 95 % interval."""
    half_width = Z_95 * of_episode.std() / np.sqrt(len(of_episode))
    return float(of_episode.mean()), float(half_width)


def calibration(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    """Expected calibration error and the reliability diagram behind it.

    All queries of all episodes are sorted into 15 bins of equal width by their top probability;
    `ece` is the mean over queries of |accuracy - confidence| of their bin (Guo et al., 2017).

    Args:
        probabilities: predicted probabilities of the classes, float [E, Q, N].
        labels: true labels of the queries, int [E, Q].

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
