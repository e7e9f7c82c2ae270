"""Phi around a backbone: crop, standardisation and averaging over copies of an image."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf.backbones import feature_network, registry
from sib_tf.backbones.backbone import Backbone
from sib_tf.base.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)


def make_phi(backbone="conv4_4", crop_size=16, **kwargs):
    keras.utils.set_random_seed(0)
    moments = {"mean": (120.0, 110.0, 100.0), "variance": (4900.0, 3600.0, 2500.0)}
    return feature_network.build(backbone, image_size=16, crop_size=crop_size, **moments, **kwargs)


@dataclasses.dataclass(frozen=True)
class MeanColour(Backbone):
    """A backbone from outside the package: the mean of each channel, times a factor."""

    sizes: ClassVar = ("FACTOR",)
    example: ClassVar = "mean_colour_2"

    factor: int

    def build(self):
        images = keras.Input((self.image_size, self.image_size, 3))
        means = keras.ops.mean(images, axis=(1, 2))
        return keras.Model(images, self.factor * means, name=self.name)

    def standardization(self, mean, variance):
        return keras.layers.Rescaling(1 / 127.5, offset=-1)


def test_by_default_channels_are_standardised_by_the_given_moments():
    phi = make_phi()
    pixels = np.full((1, 16, 16, 3), (190, 50, 200), np.uint8)
    standardised = phi.layers[1](phi.layers[0](pixels))
    # (190 - 120) / 70 = 1, (50 - 110) / 60 = -1, (200 - 100) / 50 = 2
    np.testing.assert_allclose(standardised[0, 5, 7], [1, -1, 2], atol=1e-6)


def test_a_backbone_from_outside_standardises_by_its_own_constants(monkeypatch):
    monkeypatch.setitem(registry.BACKBONES, "mean_colour", MeanColour)
    phi = make_phi("mean_colour_3")
    assert phi.layers[-1].name == "mean_colour_3"
    expected = 3 * (IMAGES.mean(axis=(1, 2)) / 127.5 - 1)  # does not depend on training images
    np.testing.assert_allclose(phi(IMAGES), expected, atol=1e-5)
    with pytest.raises(UserError, match=r'mean_colour_FACTOR, such as "mean_colour_2"\.'):
        make_phi("mean_colour")


def test_a_crop_larger_than_the_images_is_refused():
    with pytest.raises(UserError, match=r"config\.phi\.crop_size=17 is more than the 16 pixels"):
        make_phi(crop_size=17)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def moved(images, dy, dx):
    """Moves the content of images by (dy, dx) pixels down and right; fills in black."""
    out = np.zeros_like(images)
    height, width = images.shape[1:3]
    for y in range(height):
        for x in range(width):
            if 0 <= y - dy < height and 0 <= x - dx < width:
                out[:, y, x] = images[:, y - dy, x - dx]
    return out


def test_mirror_images_are_averaged():
    phi = make_phi()
    both = unit(np.array(phi(IMAGES))), unit(np.array(phi(IMAGES[:, :, ::-1])))
    found = feature_network.averaged(phi, shift=0, mirror=True)(IMAGES)
    np.testing.assert_allclose(found, (both[0] + both[1]) / 2, atol=1e-6)
    assert np.abs(both[0] - both[1]).max() > 1e-3


def test_shifted_images_and_their_mirror_images_are_averaged():
    phi = make_phi()
    seen = [moved(IMAGES, *by) for by in ((0, 0), (3, 0), (-3, 0), (0, 3), (0, -3))]
    seen += [image[:, :, ::-1] for image in seen]
    expected = np.mean([unit(np.array(phi(image))) for image in seen], axis=0)
    found = feature_network.averaged(phi, shift=3, mirror=True)(IMAGES)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_copies_phi_is_unchanged():
    phi = make_phi()
    assert feature_network.averaged(phi, shift=0, mirror=False) is phi


def test_an_image_and_its_mirror_image_have_the_same_features(tmp_path):
    feature_network.averaged(make_phi(), shift=2, mirror=True).save(tmp_path / "phi.keras")
    phi = keras.saving.load_model(tmp_path / "phi.keras")
    assert phi.input_shape == (None, 16, 16, 3)
    np.testing.assert_allclose(phi(IMAGES), phi(IMAGES[:, :, ::-1]), atol=1e-6)


def test_the_features_of_an_image_are_the_same_in_any_batch():
    pixels = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])
    phi = tf.function(
        feature_network.averaged(pixels, shift=1, mirror=True),
        input_signature=[tf.TensorSpec((None, 4, 4, 3))],
    )
    images = np.random.default_rng(0).uniform(1, 255, (40, 4, 4, 3)).astype(np.float32)
    expected = phi(images)
    for number in (1, 7, 8, 9, 33):
        np.testing.assert_array_equal(phi(images[:number]), expected[:number])


def images_for(phi, count=4):
    return np.random.default_rng(1).integers(0, 256, (count, *phi.input_shape[1:]), np.uint8)


def check_that_calls_change_nothing(phi):
    images, before = images_for(phi), phi.get_weights()
    expected = phi(images, training=False)
    for arguments in ({}, {"training": True}):
        np.testing.assert_array_equal(phi(images, **arguments), expected)
    for found, weight in zip(phi.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, weight)


@pytest.mark.parametrize("name", ["conv4_4", "wrn_10_1"])
def test_a_saved_phi_does_not_change_however_it_is_called(tmp_path, name):
    phi = make_phi(name)
    before = phi.get_weights()
    phi(IMAGES, training=True)
    changed = [(a != b).any() for a, b in zip(phi.get_weights(), before, strict=True)]
    assert any(changed), "training would change nothing either"
    feature_network.save_frozen(phi, tmp_path / "phi.keras", shift=1, mirror=True)
    check_that_calls_change_nothing(keras.saving.load_model(tmp_path / "phi.keras"))


def test_dropout_drops_nothing_in_a_saved_phi(tmp_path):
    layers = [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dropout(0.5)]
    phi = keras.Sequential(layers, name="dropping")
    images = images_for(phi)
    assert (np.array(phi(images, training=True)) != np.array(phi(images))).any()
    feature_network.save_frozen(phi, tmp_path / "phi.keras", mirror=True)
    check_that_calls_change_nothing(keras.saving.load_model(tmp_path / "phi.keras"))


@pytest.mark.parametrize("mirror", [False, True])
def test_a_file_says_what_network_it_is(tmp_path, mirror):
    phi = make_phi()
    assert feature_network.network_name(phi) == "conv4_4"
    feature_network.save_frozen(phi, tmp_path / "phi.keras", mirror=mirror)
    feature_network.averaged(phi, shift=0, mirror=mirror).save(tmp_path / "earlier.keras")
    for name in ("phi", "earlier"):
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
        assert feature_network.network_name(loaded) == "conv4_4"
    other = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()], name="mobilenet")
    feature_network.save_frozen(other, tmp_path / "other.keras", mirror=mirror)
    loaded = keras.saving.load_model(tmp_path / "other.keras")
    assert feature_network.network_name(loaded) == "mobilenet"


RELEASED = sorted((Path(__file__).parents[2] / "results").glob("*/*/backbone.keras"))


@pytest.mark.parametrize("file", RELEASED, ids=lambda file: "/".join(file.parts[-3:-1]))
def test_a_released_phi_does_not_change_however_it_is_called(file):
    phi = keras.saving.load_model(file)
    assert feature_network.network_name(phi) == "conv4_64"
    check_that_calls_change_nothing(phi)


def test_there_are_released_backbones():
    assert len(RELEASED) >= 4


def test_zero_features_stay_zero():
    pixels = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])
    phi = feature_network.averaged(pixels, shift=0, mirror=True)
    np.testing.assert_array_equal(phi(np.zeros((2, 4, 4, 3))), np.zeros((2, 48)))


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("backbone", ["conv4_16", "wrn_10_1"])
def test_a_backbone_in_bfloat16_has_the_same_weights_in_float32(backbone):
    phi, half = make_phi(backbone), make_phi(backbone, precision="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    for one, other in zip(phi.weights, half.weights, strict=True):
        assert other.dtype == "float32"
        np.testing.assert_array_equal(one, other)
    for training in (False, True):
        exact, rounded = (np.float32(each(IMAGES, training=training)) for each in (phi, half))
        # bfloat16 has 8 bits: each layer rounds by up to 2^-9 of a value.
        assert 1e-4 < np.abs(rounded - exact).max() / np.abs(exact).max() < 0.05
    # Running averages are of rounded activations, but are not themselves rounded.
    for one, other in zip(phi.non_trainable_weights, half.non_trainable_weights, strict=True):
        assert np.abs(one - other).max() <= 0.05 * np.abs(one).max()
        if "moving" in other.path:
            assert (np.asarray(other) != np.asarray(other).astype("bfloat16")).any()
