import dataclasses

import keras
import numpy as np
import pytest

from sib_tf import FewShotClassifier
from sib_tf.base.errors import UserError
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot import evaluation
from sib_tf.few_shot.episodes.reader import draw_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class
from sib_tf.few_shot.evaluation import Predictions, accuracy, calibration
from sib_tf.few_shot.methods.prototypes import Prototypes
from sib_tf.few_shot.methods.sib import SIB
from sib_tf.few_shot.prototype_accuracy import prototype_accuracy

# Two episodes of two queries. Right: (yes, yes), (yes, no).
PROBABILITIES = np.array([[[0.9, 0.1], [0.3, 0.7]], [[0.1, 0.9], [0.42, 0.58]]])
LABELS = np.array([[0, 1], [1, 0]])


def test_accuracy_and_its_interval_by_hand():
    # Accuracies of the episodes: 1 and 0.5. Mean 0.75, standard deviation 0.25,
    # half width 1.96 * 0.25 / sqrt(2) = 0.34648.
    found = accuracy(PROBABILITIES, LABELS)
    assert found["accuracy"] == 0.75
    assert found["ci95"] == pytest.approx(0.34648, abs=1e-5)


def test_the_interval_shrinks_as_one_over_the_root():
    once = accuracy(PROBABILITIES, LABELS)
    nine = accuracy(np.tile(PROBABILITIES, (9, 1, 1)), np.tile(LABELS, (9, 1)))
    assert nine["ci95"] == pytest.approx(once["ci95"] / 3)
    assert nine["accuracy"] == once["accuracy"]


def test_calibration_by_hand():
    # Bins of 1/15: 0.9 (twice, both right) in bin 13, 0.7 (right) in 10, 0.58 (wrong) in 8.
    # ECE = (2 * |1 - 0.9| + 1 * |1 - 0.7| + 1 * |0 - 0.58|) / 4 = 1.08 / 4 = 0.27.
    found = calibration(PROBABILITIES, LABELS)
    assert found["ece"] == pytest.approx(0.27)
    diagram = found["reliability"]
    assert diagram["count"] == [0] * 8 + [1, 0, 1, 0, 0, 2, 0]
    filled = {8: (0.58, 0.0), 10: (0.7, 1.0), 13: (0.9, 1.0)}
    for i in range(15):
        confidence, right = filled.get(i, (None, None))
        assert diagram["accuracy"][i] == right
        assert diagram["confidence"][i] == pytest.approx(confidence)


def test_certainty_falls_into_the_last_bin():
    found = calibration(np.array([[[1.0, 0.0]]]), np.array([[0]]))
    assert found["reliability"]["count"] == [0] * 14 + [1]
    assert found["ece"] == 0


def test_a_row_for_each_k_says_what_was_trained():
    wrong = PROBABILITIES[..., ::-1]
    found = evaluation.rows(
        {
            "prototypes": Predictions(PROBABILITIES[np.newaxis], LABELS, 0.25),
            "sib": Predictions(np.stack([wrong, PROBABILITIES]), LABELS, 1.5),
        },
        {"shot": 1},
        trained_steps=1,
        synthetic_gradient="set",
        train_query_shares="mixture",
    )
    keys = ["method", "synthetic_gradient", "shot", "train_query_shares", "num_steps"]
    keys += ["accuracy", "ci95", "differences", "ece", "reliability", "seconds"]
    assert [list(row) for row in found] == [keys] * 3
    assert [[row[key] for key in (*keys[:6], "seconds")] for row in found] == [
        ["prototypes", None, 1, None, 0, 0.75, 0.25],
        ["sib", "set", 1, "mixture", 0, 0.25, 1.5],
        ["sib", "set", 1, "mixture", 1, 0.75, 1.5],
    ]


def test_paired_differences_by_hand():
    # One is right in (1, 1), (1, 0) of two episodes, the other in the opposite: accuracies 1 and
    # 0.5 less 0 and 0.5 are 1 and 0, whose mean is 0.5 and standard deviation 0.5.
    wrong = PROBABILITIES[..., ::-1]
    (start, at_0, at_1) = evaluation.rows(
        {
            "prototypes": Predictions(wrong[np.newaxis], LABELS, 0.0),
            "sib": Predictions(np.stack([wrong, PROBABILITIES]), LABELS, 0.0),
        },
        {},
        trained_steps=1,
        synthetic_gradient="set",
        train_query_shares="balanced",
    )
    half_width = 1.96 * 0.5 / np.sqrt(2)
    gain = {"mean": 0.5, "ci95": pytest.approx(half_width)}
    assert at_1["differences"] == {
        "start": gain,
        "best_other": {"method": "prototypes", **gain},
    }
    assert at_0["differences"]["start"] == {"mean": 0.0, "ci95": 0.0}
    # Compared with the other method at the K of its training, though it also has K = 0.
    loss = {"mean": -0.5, "ci95": pytest.approx(half_width)}
    assert start["differences"] == {"best_other": {"method": "sib", **loss}}


def test_probabilities_that_are_not_numbers_name_the_method():
    evaluation.refuse_not_finite("tim", PROBABILITIES)
    with pytest.raises(UserError, match=r"^TIM-GD diverged: .*leave it out of the methods"):
        evaluation.refuse_not_finite("tim", PROBABILITIES * np.nan)


def test_the_trained_model_is_found_by_what_it_does():
    one, other = (Predictions(PROBABILITIES[np.newaxis], LABELS, 0.0) for _ in range(2))
    assert evaluation.of_trained_model({"prototypes": one, "sib": other}) is other


@pytest.fixture(scope="module")
def experiment():
    """A method with random weights, two views of 40 images of 4 classes, and 7 episodes of them."""
    keras.utils.set_random_seed(0)
    model = FewShotClassifier(3, 6, num_steps=2, step_size=0.1)
    labels = np.repeat(np.arange(4), 10)
    features = np.random.default_rng(0).normal(size=(2, 40, 6)).astype(np.float32)
    spec = EpisodeSpec(way=3, shot=2, queries=9)
    groups = examples_by_class(labels, spec, "abcd", "test")
    episodes = draw_table(groups, spec, range(7), seed=0, stream="test")
    return SIB(model), FeatureTable(features, labels), episodes


def labels_of_prototypes(rows, episodes):
    """For each query the class whose mean unit feature is at the smallest angle, int [E, Q]."""
    unit = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    support, query = unit[episodes.support_ids], unit[episodes.query_ids]
    ways = range(episodes.classes.shape[1])
    members = [episodes.support_labels[..., np.newaxis] == n for n in ways]
    means = np.stack([np.sum(support * member, axis=1) for member in members], axis=1)
    means /= np.linalg.norm(means, axis=-1, keepdims=True)
    return np.einsum("eqd,end->eqn", query, means).argmax(axis=-1)


def test_predictions_before_any_step_are_those_of_prototypes(experiment):
    method, table, episodes = experiment
    found = evaluation.classify_episodes(method, table, episodes, num_steps=2)
    assert found.probabilities.shape == (3, 7, 9, 3)
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found.labels, episodes.query_labels)
    right = labels_of_prototypes(table.features[0], episodes) == episodes.query_labels
    assert 0.2 < right.mean() < 0.6  # of random features, with 3 classes
    assert accuracy(found.probabilities[0], found.labels)["accuracy"] == pytest.approx(right.mean())
    assert prototype_accuracy(table.features[0], episodes) == pytest.approx(right.mean())
    assert np.abs(found.probabilities[2] - found.probabilities[0]).max() > 1e-3


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_prototypes_have_one_result_whatever_was_trained(experiment):
    _, table, episodes = experiment
    trained = FewShotClassifier(3, 6, num_steps=2, step_size=0.1)
    for weight in trained.weights:
        weight.assign(np.asarray(weight) + 1)
    found = evaluation.classify_episodes(Prototypes(trained), table, episodes, num_steps=2)
    assert found.probabilities.shape == (1, 7, 9, 3)
    rows = unit(table.features[0])
    for e in range(7):
        support, labels = rows[episodes.support_ids[e]], episodes.support_labels[e]
        means = unit(np.stack([support[labels == n].mean(axis=0) for n in range(3)]))
        powers = np.exp(10 * rows[episodes.query_ids[e]] @ means.T)
        expected = powers / powers.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found.probabilities[0, e], expected, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 7])  # of 7 episodes: 3, 3 and 1
def test_predictions_do_not_depend_on_the_batch(experiment, batch_size):
    expected = evaluation.classify_episodes(*experiment, num_steps=2)
    found = evaluation.classify_episodes(*experiment, num_steps=2, batch_size=batch_size)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)


def test_predictions_do_not_see_the_query_labels(experiment):
    method, table, episodes = experiment
    shuffled = dataclasses.replace(episodes, query_labels=episodes.query_labels[:, ::-1])
    assert (shuffled.query_labels != episodes.query_labels).any()
    expected = evaluation.classify_episodes(method, table, episodes, num_steps=2)
    found = evaluation.classify_episodes(method, table, shuffled, num_steps=2)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    np.testing.assert_array_equal(found.labels, shuffled.query_labels)
