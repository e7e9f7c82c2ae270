"""Encoders of Keras Hub, from presets of tiny ones that are made here."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from sib_tf.backbones import feature_network, registry
from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving import export

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), np.uint8)
TRANSFORMER = {"hidden_dim": 16, "num_layers": 2, "num_heads": 2, "intermediate_dim": 32}
SQUARE = {"image_shape": (32, 32, 3), "patch_size": 8}
MOMENTS = {"mean": (1, 2, 3), "variance": (4, 5, 6)}  # a preset brings its own


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(UserError) as error:
        registry.find("keras_hub/dinov2_small", 224)
    message = str(error.value)
    assert message.startswith('backbone="keras_hub/dinov2_small" needs Keras Hub (')
    assert message.endswith("run `pip install keras-hub`, which is the extra `hub`.")
    assert "\n" not in message


@pytest.fixture(scope="module")
def hub():
    import keras_hub  # takes seconds

    return keras_hub


def dinov2(hub):
    return hub.models.DINOV2Backbone(
        **TRANSFORMER,
        **SQUARE,
        position_embedding_shape=(32, 32, 3),
        num_register_tokens=2,
        dropout_rate=0.5,
    )


def siglip(hub):
    vision = hub.models.SigLIPVisionEncoder(**TRANSFORMER, **SQUARE)
    text = hub.models.SigLIPTextEncoder(vocabulary_size=9, embedding_dim=16, **TRANSFORMER)
    return hub.models.SigLIPBackbone(vision, text)


def resnet(hub):
    return hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
    )


def patches(hub):
    return hub.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=32,
        use_class_token=False,
    )


# Name -> how it is made, its image converter, and what a user would take of its output.
ENCODERS = {
    "dinov2": (dinov2, "DINOV2ImageConverter", lambda m, x: m({"images": x})[:, 0]),
    "siglip": (siglip, "SigLIPImageConverter", lambda m, x: m.vision_encoder({"images": x})),
    "resnet": (resnet, "ResNetImageConverter", lambda m, x: np.mean(m(x), axis=(1, 2))),
    "patches": (patches, "ViTImageConverter", lambda m, x: np.mean(m(x), axis=1)),
}


@pytest.fixture(scope="module", params=ENCODERS)
def preset(request, hub, tmp_path_factory):
    """The folder of a preset, and the features of the images by Keras Hub alone."""
    build, converter, features = ENCODERS[request.param]
    folder = tmp_path_factory.mktemp("presets") / request.param
    keras.utils.set_random_seed(0)
    encoder = build(hub)
    convert = getattr(hub.layers, converter)(
        image_size=(32, 32), scale=[0.01, 0.02, 0.03], offset=[-1.0, -1.2, -2.0]
    )
    encoder.save_to_preset(folder)
    convert.save_to_preset(folder)
    expected = np.array(features(encoder, convert(IMAGES.astype(np.float32))))
    assert expected.std(axis=0).max() > 1e-3
    return folder, expected


@pytest.fixture(scope="module")
def saved(preset, tmp_path_factory):
    """Phi as a working directory keeps it, and the features."""
    folder, expected = preset
    phi = feature_network.build(f"keras_hub/{folder}", image_size=40, crop_size=40, **MOMENTS)
    file = tmp_path_factory.mktemp("phi") / "backbone.keras"
    feature_network.save_frozen(phi, file)
    return file, expected


def test_a_saved_phi_gives_the_features_that_keras_hub_gives(saved):
    file, expected = saved
    loaded = keras_file.load(file)
    np.testing.assert_allclose(loaded(IMAGES), expected, atol=1e-5)
    name = feature_network.network_name(loaded)
    assert name in {f"keras_hub.{encoder}" for encoder in ENCODERS}  # not where the folder lies
    assert not loaded.trainable_weights


def test_a_saved_phi_does_not_train(saved):
    file, expected = saved
    loaded = keras_file.load(file)
    before = loaded.get_weights()
    np.testing.assert_allclose(loaded(IMAGES, training=True), expected, atol=1e-5)
    for found, weight in zip(loaded.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, weight)


def test_the_size_of_the_images_is_that_of_the_preset(preset):
    assert registry.find(f"keras_hub/{preset[0]}", 0).image_size == 32


SERVE = """
import sys
sys.modules.update(dict.fromkeys(["keras", "keras_hub", "sib_tf"]))  # importing them fails
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
features = model.signatures["embed"](images=tf.constant(np.load(sys.argv[2])))["features"]
np.save(sys.argv[3], features)
"""


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["dinov2"], indirect=True)
def test_an_exported_phi_needs_tensorflow_alone(saved, tmp_path):
    file, expected = saved
    head = FewShotClassifier(
        way=None,
        feature_dim=None,
        initialization="class_means",
        synthetic_gradient="general",
        num_steps=1,
    )
    export.export(tmp_path / "model", keras_file.load(file), head)
    np.save(tmp_path / "images.npy", IMAGES)
    files = [tmp_path / name for name in ("model", "images.npy", "features.npy")]
    subprocess.run([sys.executable, "-c", SERVE, *files], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), expected, atol=1e-5)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("preset", ["dinov2", "resnet"], indirect=True)
def test_an_encoder_computes_in_the_precision_that_is_asked_for(preset):
    arguments = {"image_size": 40, "crop_size": 40, **MOMENTS}
    phi = feature_network.build(f"keras_hub/{preset[0]}", **arguments, precision="mixed_bfloat16")
    assert {weight.dtype for weight in phi.trainable_weights} == {"float32"}
    difference = np.abs(np.float32(phi(IMAGES, training=False)) - preset[1]).max()
    assert 0 < difference < 0.05 * np.abs(preset[1]).max()


@pytest.mark.slow
def test_it_can_be_trained(hub, tmp_path):
    folder = tmp_path / "preset"
    siglip(hub).save_to_preset(folder)
    hub.layers.SigLIPImageConverter(image_size=(32, 32), scale=1 / 255).save_to_preset(folder)
    phi = feature_network.build(f"keras_hub/{folder}", image_size=40, crop_size=36, **MOMENTS)
    before = phi.get_weights()
    phi.compile("sgd", "mse")
    phi.fit(IMAGES, np.zeros((3, 16)), verbose=0)
    changed = [(a != b).any() for a, b in zip(phi.get_weights(), before, strict=True)]
    assert np.mean(changed) > 0.9


def test_a_handle_is_called_by_all_of_it(hub):
    found = registry.find("keras_hub/hf://timm/resnet18.a1_in1k", 224)
    assert found.network_name == "keras_hub.hf.timm.resnet18.a1_in1k"


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("dinov2_smal", 'neither a preset of Keras Hub nor a folder: use "dinov2_small" or'),
        ("qqq", "neither a preset of Keras Hub nor a folder: use one of https://keras.io/"),
    ],
)
def test_unknown_presets_are_refused_with_those_that_are_near(hub, preset, words):
    with pytest.raises(UserError, match=f'^backbone="keras_hub/{preset}": "{preset}" is {words}'):
        registry.find(f"keras_hub/{preset}", 224)


def test_a_folder_without_a_preset_is_refused(hub, tmp_path):
    with pytest.raises(UserError, match=r"cannot be loaded .*config\.json.*name the folder"):
        registry.find(f"keras_hub/{tmp_path}", 224).build()


def test_a_model_of_texts_is_refused(hub, tmp_path):
    encoder = hub.models.SigLIPTextEncoder(vocabulary_size=9, embedding_dim=16, **TRANSFORMER)
    encoder.save_to_preset(tmp_path)
    with pytest.raises(
        UserError, match=r"cannot be loaded as an encoder of images .*ImageConverter"
    ):
        registry.find(f"keras_hub/{tmp_path}", 224).build()


def test_what_is_needed_to_download_is_named(hub, monkeypatch):
    monkeypatch.setattr(hub.src.utils.preset_utils, "kagglehub", None)
    with pytest.raises(
        UserError, match=r"needs Keras Hub \(.*kagglehub.*run `pip install keras-hub"
    ):
        registry.find("keras_hub/dinov2_small", 0)
