"""`unroll` compared with gradient descent in NumPy, where xi is the true gradient."""

import numpy as np
import pytest
import tensorflow as tf

from sib_tf import unroll


def linear_tasks(tasks=2, queries=5, dim=3):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(tasks, queries, dim))
    return x, rng.normal(size=(tasks, queries)), rng.normal(size=(tasks, dim))


def descend(x, target, theta, num_steps, step_size=0.03):
    """xi(yhat) = yhat - target is the gradient of 0.5 ||yhat - target||^2."""
    return unroll(
        tf.constant(theta),
        predict=lambda w: tf.linalg.matvec(x, w),
        synthetic_gradient=lambda y: y - target,
        step_size=step_size,
        num_steps=num_steps,
    )


@pytest.mark.parametrize("num_steps", [1, 3, 8])
def test_with_the_true_gradient_it_is_gradient_descent(num_steps):
    x, target, theta = linear_tasks()
    path = descend(x, target, theta, num_steps)
    assert len(path) == num_steps + 1
    for found in path:
        np.testing.assert_allclose(found, theta, rtol=0, atol=1e-12)
        theta = np.stack(
            [w - 0.03 * a.T @ (a @ w - t) for w, a, t in zip(theta, x, target, strict=True)]
        )


def test_two_steps_of_a_scalar_task():
    # yhat = w (1, 2), target (1, 0), w0 = 1, eta 0.1.
    # Step 1: residual (0, 2), gradient 0*1 + 2*2 = 4, w = 0.6.
    # Step 2: residual (-0.4, 1.2), gradient -0.4 + 2.4 = 2, w = 0.4.
    x, target = np.array([[[1.0], [2.0]]]), np.array([[1.0, 0.0]])
    path = descend(x, target, np.array([[1.0]]), num_steps=2, step_size=0.1)
    np.testing.assert_allclose(np.ravel(path), [1.0, 0.6, 0.4], atol=1e-12)


def test_two_steps_of_a_slope_and_an_intercept():
    # yhat = w (1, 2) + b, target (1, 0), w0 = b0 = 0, eta 0.1.
    # Step 1: residual (-1, 0); dw = -1*1 + 0*2 = -1, db = -1; w = b = 0.1.
    # Step 2: yhat (0.2, 0.3), residual (-0.8, 0.3); dw = -0.8 + 0.6 = -0.2, db = -0.5;
    # w = 0.12, b = 0.15.
    x, target = tf.constant([[1.0, 2.0]], tf.float64), tf.constant([[1.0, 0.0]], tf.float64)
    start = {"w": tf.zeros([1, 1], tf.float64), "b": tf.zeros([1, 1], tf.float64)}
    path = unroll(
        start,
        predict=lambda theta: theta["w"] * x + theta["b"],
        synthetic_gradient=lambda y: y - target,
        step_size=0.1,
        num_steps=2,
    )
    assert [sorted(theta) for theta in path] == [["b", "w"]] * 3
    np.testing.assert_allclose([np.ravel(theta["w"]) for theta in path], [[0], [0.1], [0.12]])
    np.testing.assert_allclose([np.ravel(theta["b"]) for theta in path], [[0], [0.1], [0.15]])


@pytest.mark.parametrize("num_steps", [1, 4])
def test_weights_in_two_tensors_move_as_in_one(num_steps):
    x, target, theta = linear_tasks()
    whole = descend(x, target, theta, num_steps)
    parts = unroll(
        (tf.constant(theta[:, :1]), [tf.constant(theta[:, 1:])]),
        predict=lambda w: tf.linalg.matvec(x, tf.concat([w[0], w[1][0]], axis=1)),
        synthetic_gradient=lambda y: y - target,
        step_size=0.03,
        num_steps=num_steps,
    )
    for one, (first, (rest,)) in zip(whole, parts, strict=True):
        np.testing.assert_allclose(np.concatenate([first, rest], axis=1), one, atol=1e-12)


def test_weights_that_the_prediction_ignores_do_not_change():
    used, ignored = tf.constant([[1.0]]), tf.constant([[5.0, 6.0]])
    _, end = unroll(
        (used, ignored),
        predict=lambda theta: 2.0 * theta[0],
        synthetic_gradient=tf.ones_like,
        step_size=0.25,
        num_steps=1,
    )
    np.testing.assert_allclose(end[0], [[0.5]])  # 1 - 0.25 * 2
    np.testing.assert_array_equal(end[1], ignored)


def test_zero_steps_return_the_start():
    x, target, theta = linear_tasks()
    (only,) = descend(x, target, theta, num_steps=0)
    np.testing.assert_array_equal(only, theta)


def test_a_step_sums_over_queries():
    x, target, theta = linear_tasks()
    once = descend(x, target, theta, 1)[1] - theta
    twice = descend(np.tile(x, (1, 2, 1)), np.tile(target, 2), theta, 1)[1] - theta
    np.testing.assert_allclose(twice, 2 * once, atol=1e-12)


def test_the_loss_differentiates_through_every_step():
    # With q = 1 and x = 1: w_{k+1} = w_k - eta c w_k, so w_K = (1 - eta c)^K w_0 and
    # dw_K/dc = -K eta (1 - eta c)^(K-1) w_0; here K = 3, eta = 0.5, c = 1, w_0 = 2:
    # w_3 = 0.25, dw_3/dc = -3 * 0.5 * 0.25 * 2 = -0.75, dw_3/dw_0 = 0.125.
    start, c = tf.Variable([[2.0]]), tf.Variable(1.0)
    with tf.GradientTape() as tape:
        end = unroll(
            start,
            predict=tf.identity,
            synthetic_gradient=lambda y: c * y,
            step_size=0.5,
            num_steps=3,
        )[-1]
    by_start, by_c = tape.gradient(end, [start, c])
    assert end.numpy().item() == pytest.approx(0.25)
    assert by_c.numpy() == pytest.approx(-0.75)
    assert by_start.numpy().item() == pytest.approx(0.125)


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="num_steps must be 0 or more, got -1"):
        descend(*linear_tasks(), num_steps=-1)


@pytest.mark.parametrize("num_steps", [0, 1])
@pytest.mark.parametrize("theta", [tf.constant([[1]]), {"w": tf.ones([1, 1]), "n": tf.constant(1)}])
def test_integer_weights_are_refused(theta, num_steps):
    with pytest.raises(ValueError, match="theta must be floating point, got int32"):
        unroll(
            theta,
            predict=tf.identity,
            synthetic_gradient=tf.identity,
            step_size=1.0,
            num_steps=num_steps,
        )


def test_a_synthetic_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"keep the shape.*\(1, 1\) for \(1, 2\)"):
        unroll(
            tf.ones([1, 2]),
            predict=tf.identity,
            synthetic_gradient=lambda y: y[:, :1],
            step_size=1.0,
            num_steps=1,
        )
