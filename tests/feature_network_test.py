"""Phi around a backbone: mirror images."""

import keras
import numpy as np

from sib_tf import feature_network

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)


def make_phi():
    keras.utils.set_random_seed(0)
    moments = {"mean": (120.0, 110.0, 100.0), "variance": (4900.0, 3600.0, 2500.0)}
    return feature_network.build("conv4_4", image_size=16, crop_size=16, **moments)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_mirrored_features_are_the_mean_of_both_unit_features():
    phi = make_phi()
    both = unit(np.array(phi(IMAGES))), unit(np.array(phi(IMAGES[:, :, ::-1])))
    found = feature_network.mirrored(phi)(IMAGES)
    np.testing.assert_allclose(found, (both[0] + both[1]) / 2, atol=1e-6)
    assert np.abs(both[0] - both[1]).max() > 1e-3


def test_an_image_and_its_mirror_image_have_the_same_features(tmp_path):
    feature_network.mirrored(make_phi()).save(tmp_path / "phi.keras")
    phi = keras.saving.load_model(tmp_path / "phi.keras")
    assert phi.input_shape == (None, 16, 16, 3)
    np.testing.assert_allclose(phi(IMAGES), phi(IMAGES[:, :, ::-1]), atol=1e-6)
