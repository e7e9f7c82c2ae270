"""The rotation loss, and the start that descends it."""

import math
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from sib_tf.method.decoders import CosineClassifier
from sib_tf.method.initializations.rotation import RotationInitialization
from sib_tf.method.rotation import rotation_loss, turn_logits


def initialization(theta, turns, step_size):
    """A start with these weights, [P, N, D] and [P, 4, D]."""
    starts, way, dim = np.shape(theta)
    layer = RotationInitialization(way, dim, step_size, starts, dtype="float64")
    layer.build()
    layer.set_weights([np.array(theta, float), np.array(turns, float)])
    return layer


def of_one_class(features, theta):
    """Logits of a classifier that knows one class: p = 1."""
    return tf.zeros([features.shape[0], features.shape[1], theta.shape[1]], features.dtype)


def test_theta_0_of_two_images_is_that_worked_out_by_hand():
    """One class, D = 2, lambda = (2, 0), V = ((log(3) / 2, 0), (0, 1), 0, 0).

    With one class p = 1, and w = sum_n p_n theta_n / |theta_n| = (1, 0). Logits are V (2 f * w).
    Image 1 is (1, 0) upright and (0, 1) when turned, image 2 is always (0, 1). So 2 f * w is (2, 0)
    for image 1 upright, where the logits are (log 3, 0, 0, 0) and the probabilities of the turns
    (3, 1, 1, 1) / 6; for all others it is 0, and they are 1/4 each. The gradient of the mean
    cross-entropy of the 8 turned images by w is the mean of 2 f * V^T (probabilities - truth):

        image 1, turn 0:  2 (1, 0) * (log(3) / 2 * (1/2 - 1), 1/6)  =  (-log(3) / 2, 0)
        image 1, turn 1:  2 (0, 1) * (..., 1/4 - 1)                 =  (0, -3/2)
        image 1, turns 2 and 3:              2 (0, 1) * (..., 1/4)  =  (0, 1/2) each
        image 2, turns 0 .. 3:                    (0, 1/2), (0, -3/2), (0, 1/2), (0, 1/2)

    in all (-log(3) / 2, -1/2), over 8 images. By lambda it is what of this stands upright on
    lambda, divided by its length 2: (0, -1/32). A step of size 16 leads to (2, 1/2).
    """
    turns = [[[math.log(3) / 2, 0], [0, 1], [0, 0], [0, 0]]]
    images = [[[1, 0], [0, 1], [0, 1], [0, 1]], [[0, 1]] * 4]
    layer = initialization([[[2, 0]]], turns, step_size=16.0)
    theta = layer(tf.constant([images], tf.float64), tf.constant([0]), classify=of_one_class)
    np.testing.assert_allclose(theta, [[[2, 0.5]]], atol=1e-12)


@pytest.fixture
def random():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(1, 6, 5)), rng.normal(size=(1, 4, 5))


def test_the_gradient_is_that_of_differences(random):
    features, theta, turns = random
    decoder = CosineClassifier(dtype="float64")
    decoder.build((None, None, 5))
    layer = initialization(theta, turns, step_size=1.0)
    start = tf.constant([0, 0])
    found = theta - layer(tf.constant(features), start, classify=decoder)

    def loss(weights):
        repeated = (tf.constant(np.repeat(part, 2, axis=0)) for part in (weights, turns))
        return layer.loss(tf.constant(features), *repeated, decoder, None).numpy()

    step = 1e-6
    for index in np.ndindex(6, 5):
        shift = np.zeros_like(theta)
        shift[0, *index] = step
        slope = (loss(theta + shift) - loss(theta - shift)) / (2 * step)
        np.testing.assert_allclose(found[:, *index], slope, atol=1e-8)


def test_a_step_of_size_0_leaves_lambda(random):
    features, theta, turns = random
    layer = initialization(theta, turns, step_size=0.0)
    found = layer(tf.constant(features), tf.constant([0, 0]), classify=of_one_class)
    np.testing.assert_array_equal(found, np.repeat(theta, 2, axis=0))


def test_each_task_has_the_start_of_its_network():
    theta = np.arange(12.0).reshape(3, 2, 2)
    layer = initialization(theta, np.zeros((3, 4, 2)), step_size=0.0)
    found = layer(tf.zeros([2, 1, 4, 2]), tf.constant([2, 0]), classify=of_one_class)
    np.testing.assert_array_equal(found, theta[[2, 0]])


def test_padding_counts_for_nothing(random):
    features, theta, turns = random
    layer = initialization(theta, turns, step_size=1.0)
    decoder = CosineClassifier(dtype="float64")
    decoder.build((None, None, 5))
    call = partial(layer, start=tf.constant([0, 0]), classify=decoder)
    padded = np.concatenate([features, 7 * features[:, :1]], axis=1)
    present = tf.constant([[True, True, True, False]] * 2)
    np.testing.assert_allclose(
        call(tf.constant(padded), present=present), call(tf.constant(features)), atol=1e-12
    )


def test_the_loss_is_the_mean_over_images_and_turns():
    """Logits of log 2 for the true turn and 0 for the others: probability 2/5; else 1/4."""
    right = math.log(2) * np.eye(4)
    logits = tf.constant(np.stack([right, np.zeros((4, 4))])[np.newaxis])
    expected = (math.log(5 / 2) + math.log(4)) / 2
    np.testing.assert_allclose(rotation_loss(logits), [expected])


def test_turn_logits_do_not_depend_on_lengths(random):
    features, theta, turns = (tf.constant(part) for part in random)
    flat = tf.reshape(features, [2, 12, 5])
    p = tf.nn.softmax(tf.matmul(flat, tf.repeat(theta, 2, axis=0), transpose_b=True))
    theta, turns = tf.repeat(theta, 2, axis=0), tf.repeat(turns, 2, axis=0)
    np.testing.assert_allclose(
        turn_logits(3 * flat, p, 0.2 * theta, turns), turn_logits(flat, p, theta, turns)
    )
