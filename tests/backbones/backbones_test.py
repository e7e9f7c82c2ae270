"""Backbones compared with an independent NumPy computation, channels first as in PyTorch."""

import keras
import numpy as np
import pytest

from configs import cifar_fs, mini_imagenet
from sib_tf.backbones import registry
from sib_tf.backbones.normalization import batch_norm
from sib_tf.base.errors import UserError
from sib_tf.experiments.reference import released_weights
from sib_tf.training.base_classifier import BaseClassifier
from sib_tf.training.optimizers import SGDWithL2
from tests.backbones.released_shapes import conv4_shapes, wrn_shapes


def random_weights(shapes):
    """Arrays by released name that keep activations near 1; no two channels are alike."""
    rng = np.random.default_rng(0)

    def draw(name, shape):
        if len(shape) == 4:
            return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        if name.endswith(("weight", "running_var")):
            return rng.uniform(0.5, 1.5, shape)
        return rng.normal(0, 0.2, shape)

    return {name: draw(name, shape) for name, shape in shapes.items()}


def convolve(x, kernel, stride=1):
    """Convolves x [B, C, H, W] with a kernel [out, in, k, k] and k // 2 zeros on every side."""
    pad = kernel.shape[-1] // 2
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(2, 3))
    return np.einsum("bchwij,ocij->bohw", windows[:, :, ::stride, ::stride], kernel, optimize=True)


def norm_relu(x, weights, name):
    gamma, beta, mean, variance = (
        weights[f"{name}.{part}"][:, None, None]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return np.maximum(0, gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta)


def conv4_features(images, weights):
    x = np.moveaxis(images, -1, 1)
    for block in range(4):
        prefix = f"conv_blocks.{block}.layers"
        x = norm_relu(convolve(x, weights[f"{prefix}.Conv.weight"]), weights, f"{prefix}.BatchNorm")
        b, c, h, w = x.shape
        x = x.reshape(b, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))
    return x.reshape(len(x), -1)


def wrn_features(images, weights, depth):
    x = convolve(np.moveaxis(images, -1, 1), weights["conv1.weight"])
    for stage, stage_stride in enumerate((1 if images.shape[1] == 32 else 2, 2, 2), start=1):
        for block in range((depth - 4) // 6):
            prefix = f"block{stage}.layer.{block}"
            stride = stage_stride if block == 0 else 1
            activated = norm_relu(x, weights, f"{prefix}.bn1")
            y = convolve(activated, weights[f"{prefix}.conv1.weight"], stride)
            y = convolve(norm_relu(y, weights, f"{prefix}.bn2"), weights[f"{prefix}.conv2.weight"])
            shortcut = weights.get(f"{prefix}.convShortcut.weight")
            x = y + (x if shortcut is None else convolve(activated, shortcut, stride))
    return norm_relu(x, weights, "bn1").mean(axis=(2, 3))


def resnet_shapes():
    """Shapes of ResNet-18's weights by their names in torchvision."""
    shapes = {"conv1.weight": (64, 3, 7, 7)}
    norms = {"bn1": 64}
    inputs = 64
    for stage, channels in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            prefix = f"layer{stage}.{block}"
            shapes[f"{prefix}.conv1.weight"] = (channels, inputs, 3, 3)
            shapes[f"{prefix}.conv2.weight"] = (channels, channels, 3, 3)
            norms |= {f"{prefix}.bn1": channels, f"{prefix}.bn2": channels}
            if inputs != channels:
                shapes[f"{prefix}.downsample.0.weight"] = (channels, inputs, 1, 1)
                norms[f"{prefix}.downsample.1"] = channels
            inputs = channels
    for norm, channels in norms.items():
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{part}"] = (channels,)
    return shapes


def norm_alone(x, weights, name):
    """BatchNorm, as the difference of what a ReLU makes of it and of its negative."""
    negative = {**weights, **{f"{name}.{p}": -weights[f"{name}.{p}"] for p in ("weight", "bias")}}
    return norm_relu(x, weights, name) - norm_relu(x, negative, name)


def resnet_features(images, weights):
    x = convolve(np.moveaxis(images, -1, 1), weights["conv1.weight"], stride=2)
    x = np.pad(norm_relu(x, weights, "bn1"), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    x = windows[:, :, ::2, ::2].max(axis=(4, 5))
    for stage in range(1, 5):
        for block in range(2):
            prefix, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = convolve(x, weights[f"{prefix}.conv1.weight"], stride)
            y = norm_relu(y, weights, f"{prefix}.bn1")
            y = norm_alone(convolve(y, weights[f"{prefix}.conv2.weight"]), weights, f"{prefix}.bn2")
            if f"{prefix}.downsample.0.weight" in weights:
                x = convolve(x, weights[f"{prefix}.downsample.0.weight"], stride)
                x = norm_alone(x, weights, f"{prefix}.downsample.1")
            x = np.maximum(0, x + y)
    return x.mean(axis=(2, 3))


def assert_same_features(name, image_size, weights, expected_of):
    images = np.random.default_rng(1).normal(size=(2, image_size, image_size, 3))
    model = registry.build(name, image_size)
    released_weights.assign(model, weights)
    expected = expected_of(images, weights)
    found = model(images.astype(np.float32), training=False)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


# One and two blocks per stage (the second with an identity shortcut); an identity shortcut in a
# first block (width 1); a first stage with and without a stride.
@pytest.mark.parametrize(
    ("depth", "width", "image_size"), [(10, 1, 32), (16, 2, 32), (10, 2, 80), (16, 2, 40)]
)
def test_wide_resnet_agrees_with_numpy(depth, width, image_size):
    weights = random_weights(wrn_shapes(depth, width))
    assert_same_features(
        f"wrn_{depth}_{width}", image_size, weights, lambda x, w: wrn_features(x, w, depth)
    )


@pytest.mark.parametrize(("width", "image_size"), [(6, 32), (6, 80), (1, 80)])
def test_conv4_agrees_with_numpy(width, image_size):
    weights = random_weights(conv4_shapes(width))
    assert_same_features(f"conv4_{width}", image_size, weights, conv4_features)


def test_resnet_agrees_with_numpy():
    weights = random_weights(resnet_shapes())
    for name in weights:
        if name.endswith("bn2.weight"):  # or the sums of the blocks would grow
            weights[name] *= 0.2
    assert_same_features("resnet_18", 64, weights, resnet_features)


@pytest.mark.parametrize(
    ("name", "image_size", "dim"),
    [
        ("resnet_18", 128, 512),
        ("conv4_64", 16, 64),
        ("conv4_64", 32, 64 * 2 * 2),
        ("conv4_64", 80, 64 * 5 * 5),
        ("conv4_128", 32, 128 * 2 * 2),
        ("conv4_128", 80, 128 * 5 * 5),
        ("wrn_10_2", 32, 128),
        ("wrn_10_2", 80, 128),
        ("wrn_10_1", 80, 64),
    ],
)
def test_feature_sizes(name, image_size, dim):
    model = registry.build(name, image_size)
    assert model.name == name
    assert model.input_shape == (None, image_size, image_size, 3)
    assert model.output_shape == (None, dim)


@pytest.mark.parametrize("name", ["conv4_8", "wrn_10_1"])
def test_a_saved_backbone_predicts_the_same(tmp_path, name):
    images = np.random.default_rng(2).normal(size=(3, 32, 32, 3)).astype(np.float32)
    model = registry.build(name, 32)
    model(images, training=True)  # changes the running averages
    model.save(tmp_path / "phi.keras")
    loaded = keras.saving.load_model(tmp_path / "phi.keras")
    np.testing.assert_array_equal(loaded(images, training=False), model(images, training=False))


def test_running_averages_match_pytorch():
    # One channel of 1, 2, 3, 6: mean 3, squared deviations 4 + 1 + 0 + 9 = 14. The variance is 14/4
    # for normalising and 14/3 for the running average. Running averages move by a tenth: from 0 to
    # 0.1 * 3, and from 1 to 0.9 + 0.1 * 14/3.
    layer = batch_norm("norm")
    found = layer(np.reshape([1, 2, 3, 6], (2, 1, 2, 1)).astype(np.float32), training=True)
    expected = np.array([-2, -1, 0, 3]) / np.sqrt(3.5 + 1e-5)
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-6)
    np.testing.assert_allclose(layer.moving_mean, [0.3], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [0.9 + 1.4 / 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet_50", r'"resnet_50".*depth 50: use 18 or 34'),
        ("wrn_12_1", r'"wrn_12_1".*depth 12.*6n \+ 4'),
        ("wrn_4_1", r'"wrn_4_1".*depth 4.*6n \+ 4'),
        ("wrn_28", r'"wrn_28" is unknown: .*wrn_DEPTH_WIDTH, such as "wrn_28_10"'),
        (
            "conv4_64_64",
            r'"conv4_64_64" is unknown: use conv4_WIDTH, such as "conv4_64", or efficientnet_lite0',
        ),
        ("conv4_0", r'"conv4_0" is unknown.*conv4_64'),
        ("conv4", r'"conv4" is unknown.*conv4_64'),
        ("resnet18", r'"resnet18" is unknown'),
        ("64", r'"64" is unknown'),
        ("_64", r'"_64" is unknown'),
        ("", r'"" is unknown'),
    ],
)
def test_unknown_names_are_refused(name, words):
    with pytest.raises(UserError, match=f"^backbone={words}"):
        registry.build(name, 32)


def test_images_too_small_for_conv4_are_refused():
    with pytest.raises(UserError, match=r'^crop_size=15 .*backbone="conv4_8": make it at least 16'):
        registry.build("conv4_8", 15)


@pytest.mark.slow
@pytest.mark.parametrize(("experiment", "size"), [(cifar_fs, 32), (mini_imagenet, 80)])
def test_wrn_28_10_has_the_published_size_and_trains(experiment, size):
    config = experiment.get_config("wrn_28_10").phi
    images = np.random.default_rng(3).normal(size=(2, size, size, 3)).astype(np.float32)
    phi = registry.build(config.backbone, config.crop_size)
    sizes = {name: np.prod(shape) for name, shape in wrn_shapes(28, 10).items()}
    trained = sum(n for name, n in sizes.items() if ".running_" not in name)
    assert round(trained / 1e6, 1) == 36.5  # as published for WRN-28-10
    assert sum(np.prod(w.shape) for w in phi.trainable_weights) == trained
    assert phi(images, training=False).shape == (2, 640)
    assert_trains(phi, images)


@pytest.mark.slow
def test_resnet_18_has_the_published_size_and_trains():
    images = np.random.default_rng(3).normal(size=(2, 64, 64, 3)).astype(np.float32)
    phi = registry.build("resnet_18", 64)
    classes = 1000  # of ImageNet, whose last layer is in the published size
    trained = sum(np.prod(w.shape) for w in phi.trainable_weights) + classes * (512 + 1)
    assert round(trained / 1e6, 2) == 11.69
    assert_trains(phi, images)


def assert_trains(phi, images):
    """A step of training changes every weight, and leaves it finite."""
    before = [w.numpy() for w in phi.trainable_weights]
    classifier = BaseClassifier(phi, num_classes=2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(SGDWithL2(0.01), loss)
    assert np.isfinite(classifier.train_on_batch(images, np.array([0, 1])))
    for weight, old in zip(phi.trainable_weights, before, strict=True):
        assert np.isfinite(weight).all()
        assert not np.array_equal(weight, old), weight.path
