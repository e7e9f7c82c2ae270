"""Models of keras.applications, with weights made here where Keras keeps what it downloads."""

import inspect
import socket

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.applications import imagenet_utils
from keras.src.backend import config as keras_config

from sib_tf.backbones import feature_network, keras_application, registry
from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving import export

SIZE = 32
NAME = "keras_applications/MobileNet"
IMAGES = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)


def phi():
    moments = {"mean": (1, 2, 3), "variance": (4, 5, 6)}  # it brings its own
    return feature_network.build(NAME, image_size=SIZE, crop_size=SIZE, **moments)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """MobileNet of Keras with random weights, and the folder where it finds them again."""
    home = tmp_path_factory.mktemp("keras")
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNet(
        input_shape=(SIZE, SIZE, 3), include_top=False, weights=None, pooling="avg"
    )
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable in layer.weights:
                variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    (home / "models").mkdir()
    model.save(home / "models/mobilenet_1_0_224_tf_no_top.h5")  # those of 224 serve any size
    return model, home


@pytest.fixture(scope="module")
def expected(model):
    """Features by Keras alone."""
    pixels = keras.applications.mobilenet.preprocess_input(IMAGES.astype(np.float32))
    features = np.array(model[0](pixels, training=False))
    assert features.std() > 0.1
    return features


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    """Phi as a working directory keeps it."""
    file = tmp_path_factory.mktemp("phi") / "backbone.keras"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras_config, "_KERAS_DIR", str(model[1]))
        feature_network.save_frozen(phi(), file)
    return file


def test_a_saved_phi_gives_the_features_that_keras_gives(saved, expected):
    loaded = keras_file.load(saved)
    assert feature_network.network_name(loaded) == "keras_applications.MobileNet"
    np.testing.assert_allclose(loaded(IMAGES), expected, rtol=1e-4, atol=1e-4)


def test_a_saved_phi_does_not_train(saved, expected):
    loaded = keras_file.load(saved)
    before = loaded.get_weights()
    np.testing.assert_allclose(loaded(IMAGES, training=True), expected, rtol=1e-4, atol=1e-4)
    assert not loaded.trainable_weights
    for found, weight in zip(loaded.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, weight)


@pytest.mark.slow
def test_an_exported_phi_gives_the_same(saved, expected, tmp_path):
    classifier = FewShotClassifier(
        way=None,
        feature_dim=None,
        synthetic_gradient="general",
        initialization="class_means",
        num_steps=1,
    )
    export.export(tmp_path / "model", keras_file.load(saved), classifier)
    served = tf.saved_model.load(tmp_path / "model").signatures["embed"]
    found = served(images=tf.constant(IMAGES))["features"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_it_can_be_trained(model, monkeypatch):
    monkeypatch.setattr(keras_config, "_KERAS_DIR", str(model[1]))
    network = phi()
    before = network.get_weights()
    network.compile("sgd", "mse")
    network.fit(IMAGES, np.zeros((2, 1024)), verbose=0)
    changed = [(a != b).any() for a, b in zip(network.get_weights(), before, strict=True)]
    assert np.mean(changed) > 0.9


def test_without_a_network_one_line_says_what_to_do(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(keras_config, "_KERAS_DIR", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    with pytest.raises(UserError) as error:
        phi()
    message = str(error.value)
    assert message.startswith(f'backbone="{NAME}": Keras did not get its weights (URL fetch')
    assert message.endswith("or copy ~/.keras/models from a machine that has them.")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mobilenet_v2", 'has no "mobilenet_v2": use "MobileNetV2" or'),
        ("ResNet", 'has no "ResNet": use .*"ResNet50"'),
        ("preprocess_input", 'has no "preprocess_input": use .*"?MobileNet'),
        ("qqq", 'has no "qqq": use ConvNeXtBase, .*Xception'),
    ],
)
def test_unknown_names_are_refused_with_those_that_are_near(name, words):
    with pytest.raises(UserError, match=f'backbone="keras_applications/{name}".*{words}'):
        registry.find(f"keras_applications/{name}", 64)


@pytest.mark.parametrize("name", ["keras_applications", "keras_applications/"])
def test_a_library_without_a_name_is_refused(name):
    with pytest.raises(UserError, match='keras_applications/MODEL, such as "keras_applications/Mo'):
        registry.find(name, 64)


class SizesError(Exception):
    """The sizes that a builder of Keras asks for, before it builds anything."""


@pytest.mark.parametrize("name", keras_application.models())
def test_any_model_has_its_own_preprocessing_and_sizes(name, monkeypatch):
    backbone = registry.find(f"keras_applications/{name}", 0)

    def stop(*_, default_size, min_size, **__):
        raise SizesError(default_size, min_size)

    monkeypatch.setattr(imagenet_utils, "obtain_input_shape", stop)
    builder = getattr(keras.applications, name)
    try:
        builder(weights=None)
        assert "(224, 224, 3)" in builder.__doc__  # it does not ask for sizes in that way
        sizes = (224, 32)
    except SizesError as asked:
        sizes = asked.args
    assert (backbone.image_size, backbone.smallest) == sizes
    with pytest.raises(UserError, match=f"is too small .* at least {backbone.smallest}"):
        registry.find(f"keras_applications/{name}", backbone.smallest - 1)

    small = registry.find(f"keras_applications/{name}", 80)
    images = np.random.default_rng(0).integers(0, 256, (2, 80, 80, 3), np.uint8)
    expected = inspect.getmodule(builder).preprocess_input(images.astype(np.float32))
    found = small.standardization((1, 2, 3), (4, 5, 6))(images)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
