"""How training phi in bfloat16 differs from float32; `benchmarks.precision` measures accuracy."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf.backbones.feature_network import embed
from sib_tf.training import pretraining
from sib_tf.training.image_batches import training_batches
from sib_tf.training.pretraining_settings import PRECISIONS
from tests.training.small_training import IMAGES, LABELS, SEED, SETTINGS, TWENTY_STEPS, train

pytestmark = pytest.mark.usefixtures("bfloat16")

TARGETS = np.unique(LABELS, return_inverse=True)[1]

# bfloat16 has 8 binary digits: rounding changes a number by at most this share of it.
UNIT = 2.0**-8


def classifiers(backbone):
    """Two classifiers with the same weights; the second computes phi in bfloat16."""
    settings = dataclasses.replace(SETTINGS, backbone=backbone)
    keras.utils.set_random_seed(0)
    exact, half = (
        pretraining.compiled(dataclasses.replace(settings, precision=precision), IMAGES, 3)
        for precision in PRECISIONS
    )
    half.set_weights(exact.get_weights())
    return exact, half


def distance(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def rounded(values):
    """Values rounded to bfloat16, in float32."""
    return tf.cast(tf.cast(values, tf.bfloat16), tf.float32).numpy()


def gradient(model):
    """The gradient, over all weights, of the loss of all images as one batch."""
    with tf.GradientTape() as tape:
        loss = model.loss(TARGETS, model(IMAGES, training=True))
    assert loss.dtype == tf.float32
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
    return np.concatenate([np.ravel(g) for g in gradients])


def test_weights_statistics_momentum_and_logits_are_not_rounded():
    _, half = classifiers("conv4_4")
    batches = training_batches(
        IMAGES,
        TARGETS,
        batch_size=SETTINGS.batch_size,
        augmentation=SETTINGS.augmentation(IMAGES.shape[1]),
        seed=SEED,
    )
    half.fit(batches, steps_per_epoch=3, shuffle=False, verbose=0)
    variables = [*half.variables, *half.optimizer.variables]
    variables = {v.path: np.asarray(v) for v in variables if v.dtype != "int64"}
    assert {value.dtype.name for value in variables.values()} == {"float32"}
    for kind in ("kernel", "gamma", "moving_mean", "moving_variance", "kernel_momentum"):
        values = np.concatenate([np.ravel(v) for n, v in variables.items() if n.endswith(kind)])
        assert np.mean(values != rounded(values)) > 0.9, kind
    logits = half(IMAGES)
    assert logits.dtype == tf.float32
    assert np.mean(logits != rounded(logits)) > 0.9
    assert half.phi(IMAGES).dtype == tf.bfloat16


# Each convolution rounds its weights, its output and the normalised output. Independent errors add
# up as squares.
@pytest.mark.parametrize(("backbone", "convolutions"), [("conv4_4", 4), ("wrn_10_1", 7)])
def test_features_differ_by_rounding_alone(backbone, convolutions):
    exact, half = (embed(model.phi, IMAGES) for model in classifiers(backbone))
    assert UNIT / 10 < distance(half, exact) < UNIT * np.sqrt(3 * convolutions)


@pytest.mark.parametrize("backbone", ["conv4_4", "wrn_10_1"])
def test_gradients_stay_close_to_those_in_float32(backbone):
    # If normalised outputs are off by a hundredth of their standard deviation, about a hundredth of
    # them take the other branch of a ReLU or a maximum. Their gradients are lost and others gained:
    # over four stages 2 * 4 / 100 of the squared gradient.
    exact, half = (gradient(model) for model in classifiers(backbone))
    assert distance(half, exact) < np.sqrt(0.08)


@pytest.mark.slow
def test_bfloat16_learns_as_fast_and_saves_phi_in_float32(tmp_path):
    losses = []
    for precision in PRECISIONS:
        folder = tmp_path / precision
        train(folder, dataclasses.replace(TWENTY_STEPS, precision=precision))
        losses.append(json.loads((folder / pretraining.CURVES).read_text())["loss"])
        phi = keras.saving.load_model(folder / pretraining.BACKBONE)
        assert {layer.compute_dtype for layer in all_layers(phi)} == {"float32"}
    exact, half = losses
    assert exact[-1] < 0.8 * exact[0], "it has learnt"
    # Over seeds, this ratio is 0.99 (sd 0.01).
    assert np.mean(half) == pytest.approx(np.mean(exact), rel=0.1)
    assert half != exact


def all_layers(model):
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
