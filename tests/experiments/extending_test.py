"""The code of docs/extending.md, as it stands there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from sib_tf.backbones.registry import BACKBONES
from sib_tf.base.errors import UserError
from sib_tf.experiments import execution, families
from sib_tf.experiments.families import FAMILIES
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.method.initializations.registry import INITIALIZATIONS
from sib_tf.method.xi.registry import XI

PAGE = Path(__file__).parents[2] / "docs/extending.md"
REGISTRIES = (BACKBONES, FAMILIES, INITIALIZATIONS, METHODS, XI)


@pytest.fixture(scope="module")
def page():
    """The names that the code of the page defines; registry entries are removed afterwards."""
    before = [dict(registry) for registry in REGISTRIES]
    namespace = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE):
        exec(code, namespace)
    yield namespace
    for registry, entries in zip(REGISTRIES, before, strict=True):
        registry.data = entries


def episodes(rng, way=5, queries=7, dim=64):
    return {
        "support_features": rng.normal(size=(2, way, dim)).astype(np.float32),
        "support_labels": np.tile(np.arange(way), (2, 1)),
        "query_features": rng.normal(size=(2, queries, dim)).astype(np.float32),
    }


def test_the_network_is_the_gradient_of_the_entropy(page):
    import tensorflow as tf

    from sib_tf.method.xi.context import Context

    xi = XI["entropy"]()
    xi.build((None, None, 3))
    logits = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_p = tf.nn.log_softmax(logits)
        entropy = -tf.reduce_sum(tf.exp(log_p) * log_p)
    expected = tape.gradient(entropy, logits)
    np.testing.assert_allclose(xi(logits, context=Context(logits)), expected, atol=1e-6)


def test_a_model_with_the_network_sharpens_its_predictions(page):
    import tensorflow as tf

    from sib_tf import FewShotClassifier

    model = FewShotClassifier(5, 64, step_size=0.01, synthetic_gradient="entropy")
    path = tf.nn.softmax(model.logits_path(episodes(np.random.default_rng(0)))).numpy()
    entropies = -(path * np.log(path)).sum(-1).mean((1, 2))
    assert (np.diff(entropies) < 0).all()


def test_the_initialization_is_centred_and_survives_saving(page, tmp_path):
    import keras

    model = page["model"]
    inputs = episodes(np.random.default_rng(1))
    theta = model.theta_path(inputs, 0)[0].numpy()
    np.testing.assert_allclose(theta.mean(axis=1), 0, atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs), model(inputs))


def test_the_backbone_sees_pixels_from_minus_1_to_1(page):
    from sib_tf.backbones import feature_network

    sizes = {"image_size": 36, "crop_size": 32, "mean": (1, 2, 3), "variance": (4, 5, 6)}
    phi = feature_network.build("mobilenet_35", **sizes)
    assert phi.output_shape == (None, 1280)
    # 35 % of 32 channels, rounded to a multiple of 8 but not far down
    assert phi.get_layer("mobilenet_35").get_layer("Conv1").filters == 16
    images = np.random.default_rng(0).integers(0, 256, (2, 36, 36, 3), np.uint8)
    crop, standardization, _ = phi.layers
    expected = images[:, 2:-2, 2:-2] / 127.5 - 1
    np.testing.assert_allclose(standardization(crop(images)), expected, atol=1e-6)


def test_the_method_finds_the_nearest_support_example(page):
    inputs = episodes(np.random.default_rng(2))
    # Scaled support examples, each nearest to its original
    inputs["query_features"] = inputs["support_features"][:, ::-1] * 3
    inputs["class_mask"] = np.ones((2, 5), bool)
    found = METHODS["nearest_neighbor"](page["model"])(inputs, 0).numpy()
    np.testing.assert_array_equal(found.argmax(-1)[0], np.tile(np.arange(5)[::-1], (2, 1)))


def test_the_family_runs(page, tmp_path):
    config = page["config"]
    (step,) = families.steps_of(config, "evaluate")
    assert execution.execute(step, families.read(config), tmp_path)
    errors = json.loads((tmp_path / "evaluation/report.json").read_text())
    # theta - mean shrinks by 1 - eta * n = 0.6 in each step.
    np.testing.assert_allclose(errors, errors[0] * 0.6 ** np.arange(4))
    assert not execution.execute(step, families.read(config), tmp_path)
    config.eval.num_steps = -1
    with pytest.raises(UserError, match=r"^config\.eval\.num_steps=-1 must be at least 0"):
        families.read(config)
