"""The model of the zero-shot regression."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf.method.decoders import linear
from sib_tf.method.xi.pointwise import PointwiseSyntheticGradient
from sib_tf.regression.batches import training_batches
from sib_tf.regression.evaluation import rows, rows_as_trained, rows_of_best_constant
from sib_tf.regression.model import LineRegressor
from sib_tf.regression.tasks import LineFamily, Lines, sample

X = np.float32([[1, 2, 0], [-1, 4, 3]])


def make(seed=0, **kwargs):
    keras.utils.set_random_seed(seed)
    return LineRegressor(**{"num_steps": 2, "step_size": 0.1, "dtype": "float64"} | kwargs)


def constant(model, value):
    """Makes xi constant: all its weights are zero but the bias of its last layer."""
    weights = [np.zeros_like(w) for w in model.xi.get_weights()]
    weights[-1][:] = value
    model.xi.set_weights(weights)
    return model


def test_the_linear_decoder_is_a_scalar_product():
    features = np.array([[[1.0, 2.0], [0.0, -1.0]], [[3.0, 0.5], [2.0, 2.0]]])
    found = linear(tf.constant(features), tf.constant([[10.0, 1.0], [2.0, 4.0]], tf.float64))
    # 10 + 2, -1; 6 + 2, 4 + 8
    np.testing.assert_array_equal(found, [[12, -1], [8, 12]])


def test_with_a_constant_xi_the_slope_moves_by_the_sum_of_the_inputs():
    model = constant(make(), -2.0)
    model.initialization.theta.assign([0.5])
    # theta <- theta + 0.1 * 2 * sum(x); sum(x) = 3 and 6
    expected = [[0.5, 0.5], [1.1, 1.7], [1.7, 2.9]]
    np.testing.assert_allclose(model.slopes(X, 2), expected, rtol=1e-12)
    np.testing.assert_allclose(model(X), np.array([[1.7], [2.9]]) * X, rtol=1e-6)


def test_a_constant_reaches_the_exact_posterior():
    # theta^0 + K eta c sum(x) = mu_w + mean(x) if theta^0 = mu_w and c = 1 / (K eta n).
    family = LineFamily(num_points=3)
    model = constant(make(), -1 / (2 * 0.1 * 3))
    model.initialization.theta.assign([family.mu_w])
    tasks = {"test": sample(family, seed=0, stream="test", count=50)}
    found = {row["num_steps"]: row["kl"] for row in rows(model, tasks, 2)}
    assert found[2] == pytest.approx(0, abs=1e-8)
    assert found[0] > 1


def test_xi_sees_one_prediction_at_a_time():
    xi = PointwiseSyntheticGradient(dtype="float64")
    xi.build((None, None))
    together = xi(tf.constant([[0.3, -2.0], [1.0, 0.3]], tf.float64)).numpy()
    alone = xi(tf.constant([[0.3]], tf.float64)).numpy()
    assert together[0, 0] == together[1, 1] == alone[0, 0]
    assert len(np.unique(together)) == 3


def test_the_order_of_the_inputs_and_other_tasks_do_not_matter():
    model = make()
    order = [2, 0, 1]
    np.testing.assert_allclose(model(X[:, order]), model(X).numpy()[:, order], rtol=1e-12)
    np.testing.assert_allclose(model(X[1:]), model(X)[1:], rtol=1e-12)


def test_rows_hold_kl_and_square_error_of_each_split():
    family = LineFamily(num_points=2, mu_w=0.0, sigma_w=0.5)
    model = constant(make(), 0.0)
    model.initialization.theta.assign([1.0])
    tasks = {
        "train": Lines(family, np.float32([[1, 3]]), np.float32([2])),
        "test": Lines(family, np.float32([[0, 0], [2, 2]]), np.float32([5, 0])),
    }
    found = [(r["split"], r["num_steps"], r["kl"], r["mse"]) for r in rows(model, tasks, 1)]
    # KL = (1 - mean(x))^2 / (2 * 0.25): 2; and the mean of 2 and 2.
    # Square error: ((1 - 2) x)^2 = 1, 9, mean 5; 0, 0, and ((1 - 0) 2)^2 = 4, mean 2.
    assert found == [
        ("train", 0, pytest.approx(2.0), pytest.approx(5.0)),
        ("train", 1, pytest.approx(2.0), pytest.approx(5.0)),
        ("test", 0, pytest.approx(2.0), pytest.approx(2.0)),
        ("test", 1, pytest.approx(2.0), pytest.approx(2.0)),
    ]


def test_rows_as_trained_are_those_of_the_k_of_the_model():
    model = constant(make(num_steps=2), -1.0)
    tasks = {
        split: sample(LineFamily(num_points=3), seed=0, stream=split, count=4)
        for split in ("train", "test")
    }
    found = rows_as_trained(model, tasks)
    assert [(row["split"], row["num_steps"]) for row in found] == [("train", 2), ("test", 2)]
    assert found[1] == rows(model, tasks, 5)[6 + 2]


def test_the_best_constant_is_that_of_each_split_on_its_own_tasks():
    family = LineFamily(num_points=2, mu=1.0, mu_w=0.5, sigma_w=0.5)
    elsewhere = LineFamily(num_points=2, mu=3.0, mu_w=0.5, sigma_w=0.5)
    tasks = {
        "train": Lines(family, np.float32([[1, 2], [1, 1]]), np.float32([1.5, 2.5])),
        "test": Lines(elsewhere, np.float32([[2, 2]]), np.float32([3.5])),
    }
    # Slopes 1 + 0.5 and 3 + 0.5. KL = (mu - mean(x))^2 / (2 * 0.25): mean of 0.5 and 0; 2.
    # Square error: the first task is met, the second missed by 1 where x = 1: mean 0.5.
    assert rows_of_best_constant(tasks) == [
        {"split": "train", "slope": 1.5, "kl": pytest.approx(0.25), "mse": pytest.approx(0.5)},
        {"split": "test", "slope": 3.5, "kl": pytest.approx(2.0), "mse": pytest.approx(0.0)},
    ]


def test_runs_visit_tasks_in_order_and_continue_from_a_step():
    x = np.arange(5, dtype=np.float32)[:, None]
    lines = Lines(LineFamily(num_points=1), x, 2 * np.ones(5, np.float32))
    shape = {"steps_per_call": 2, "tasks_per_step": 2}
    whole = [(np.asarray(x), np.asarray(y)) for x, y in training_batches(lines, **shape).take(3)]
    assert whole[0][0].shape == (2, 2, 1)
    seen = np.concatenate([x.ravel() for x, _ in whole])
    np.testing.assert_array_equal(seen, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1])
    np.testing.assert_array_equal(whole[1][1], 2 * whole[1][0])
    late = next(iter(training_batches(lines, **shape, first_step=4)))
    np.testing.assert_array_equal(late[0], whole[2][0])


def test_every_weight_learns():
    model = make()
    x = np.random.default_rng(0).normal(size=(8, 5))
    model.initialization.theta.assign([1.0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x) - 2 * x))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(np.abs(g).max() > 0 for g in gradients)


def test_a_saved_model_predicts_the_same(tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(X), model(X))
    assert loaded.num_steps == 2
