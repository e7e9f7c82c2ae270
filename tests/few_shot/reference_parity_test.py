"""Classifier and backbones compared with test vectors from the authors' released code."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier
from sib_tf.backbones import registry
from sib_tf.experiments.reference import released_weights
from sib_tf.training.optimizers import SGDWithL2

# The first episodes and images (see tests/data/README.md), and all of them where ALL exists.
FIRST = Path(__file__).parents[1] / "data"
ALL = Path(__file__).parents[3] / "shared" / "reference"
WHOLE = FIRST / "3way2shot_k1_bigstep.npz"
CUT = ("5way1shot_k0.npz", "5way1shot_k3.npz", "5way5shot_k5.npz")


def load(path):
    if path.parent == ALL and not path.exists():
        pytest.skip(f"{path} is not there: only the first episodes and images are in this project")
    return dict(np.load(path))


def under(vectors, prefix):
    return {k.removeprefix(prefix): v for k, v in vectors.items() if k.startswith(prefix)}


def name_of(path):
    return f"{'first' if path.parent == FIRST else 'all'}-{path.stem}"


@pytest.fixture(params=[WHOLE, *(f / name for f in (FIRST, ALL) for name in CUT)], ids=name_of)
def vectors(request):
    return load(request.param)


@pytest.fixture
def float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def model_of(vectors, dtype="float64"):
    model = FewShotClassifier(
        int(vectors["way"]),
        int(vectors["dim"]),
        int(vectors["num_steps"]),
        float(vectors["step_size"]),
        dtype=dtype,
    )
    released_weights.assign(model, under(vectors, "weights/"))
    return model


def inputs_of(vectors, episodes=slice(None)):
    names = ("support_features", "support_labels", "query_features")
    return {name: vectors[name][episodes] for name in names}


def test_task_weights_and_logits_after_every_step(vectors):
    model, inputs = model_of(vectors), inputs_of(vectors)
    theta = np.stack(model.theta_path(inputs, model.num_steps), axis=1)
    np.testing.assert_allclose(theta, vectors["expected/theta"], rtol=0, atol=1e-9)
    logits = np.moveaxis(model.logits_path(inputs).numpy(), 0, 1)
    np.testing.assert_allclose(logits, vectors["expected/logits"], rtol=0, atol=1e-9)


def test_logits_in_float32(vectors):
    found = model_of(vectors, "float32")(inputs_of(vectors))
    np.testing.assert_allclose(found, vectors["expected/logits"][:, -1], rtol=0, atol=1e-4)


def test_loss_and_its_gradient(vectors):
    model = model_of(vectors)
    variables = released_weights.variables(model)
    with tf.GradientTape() as tape:
        logits = model(inputs_of(vectors, slice(1)))
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(vectors["query_labels"][:1], logits)
        )
    np.testing.assert_allclose(loss, vectors["expected/loss_episode0"], rtol=0, atol=1e-9)
    gradients = tape.gradient(loss, {name: v.value for name, v in variables.items()})
    expected = under(vectors, "expected/grad_episode0/")
    assert expected
    for name, value in expected.items():
        found = 0.0 if gradients[name] is None else gradients[name]
        layout = released_weights.to_keras_layout(value, variables[name])
        np.testing.assert_allclose(found, layout, rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # of xi, where K = 0
@pytest.mark.parametrize(
    "vectors", [WHOLE, *(ALL / name for name in CUT)], ids=name_of, indirect=True
)
def test_ten_training_steps(vectors, float64):
    model, labels = model_of(vectors), vectors["query_labels"]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(SGDWithL2(1e-3), loss, jit_compile=True)
    batches = [slice(i % len(labels), i % len(labels) + 1) for i in range(10)]
    losses = [model.train_on_batch(inputs_of(vectors, b), labels[b]) for b in batches]
    expected = vectors["expected/train_losses"]
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-9)
    variables = released_weights.variables(model)
    for name, value in under(vectors, "expected/weights_after_10_steps/").items():
        layout = released_weights.to_keras_layout(value, variables[name])
        np.testing.assert_allclose(variables[name], layout, rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("scale_cls"), "Missing weights: scale_cls"),
        (lambda w: w.update(extra=np.ones(1)), "Unknown weights: extra"),
        (
            lambda w: w.update({"dni.layer3.bias": np.ones(7)}),
            r"dni\.layer3\.bias has shape \(7,\)",
        ),
    ],
    ids=["missing", "unknown", "shape"],
)
def test_weights_that_do_not_fit_leave_the_model_unchanged(change, message):
    vectors = load(WHOLE)
    model = FewShotClassifier(int(vectors["way"]), int(vectors["dim"]))
    before = [weight.numpy().copy() for weight in model.weights]
    weights = under(vectors, "weights/")
    change(weights)
    with pytest.raises(ValueError, match=message):
        released_weights.assign(model, weights)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_running_averages_are_ignored():
    vectors = load(WHOLE)
    vectors["weights/dni.layer1.2.running_mean"] = np.ones(24)
    vectors["weights/dni.layer1.2.num_batches_tracked"] = np.array(7)
    np.testing.assert_allclose(
        model_of(vectors)(inputs_of(vectors)), vectors["expected/logits"][:, -1], atol=1e-9
    )


def test_a_set_wise_model_refuses_released_weights():
    model = FewShotClassifier(3, 4, synthetic_gradient="set")
    with pytest.raises(ValueError, match="dense"):
        released_weights.assign(model, {})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (FIRST / "backbone_conv4_64_32px.npz", "conv4_64"),
        (FIRST / "backbone_wrn_10_1_cifar_32px.npz", "wrn_10_1"),
        (ALL / "backbone_conv4_64_32px.npz", "conv4_64"),
        (ALL / "backbone_wrn_10_1_cifar_32px.npz", "wrn_10_1"),
        (ALL / "backbone_wrn_10_2_80px.npz", "wrn_10_2"),
    ],
    ids=lambda value: name_of(value) if isinstance(value, Path) else value,
)
def test_features_of_a_backbone(path, name):
    vectors = load(path)
    images, expected = vectors["images_nhwc"], vectors["expected/features"]
    model = registry.build(name, image_size=images.shape[1])
    released_weights.assign(model, under(vectors, "weights/"))
    found = model(images, training=False)[:, : expected.shape[1]]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_another_backbone_is_refused_in_a_short_line():
    weights = released_weights.variables(registry.build("wrn_10_1", image_size=32))
    with pytest.raises(ValueError, match=r"Missing weights: (\S+, ){2}\S+ and 17 more\.$"):
        released_weights.assign(registry.build("conv4_4", image_size=32), weights)
