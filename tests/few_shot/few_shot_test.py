"""Properties of the classifier: symmetries, independence of episodes, shapes, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier
from sib_tf.base.errors import UserError

WAY, SHOT, DIM = 3, 2, 4
both = pytest.mark.parametrize("kind", ["dense", "set"])


def episodes(batch=3, way=WAY, shot=SHOT, queries=6, dim=DIM, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    return {
        "support_features": rng.normal(size=(batch, way * shot, dim)).astype(dtype),
        "support_labels": np.tile(np.repeat(np.arange(way), shot), (batch, 1)),
        "query_features": rng.normal(size=(batch, queries, dim)).astype(dtype),
    }


def classifier(kind, *, way=WAY, dim=DIM, num_steps=3, step_size=0.1, dtype="float64"):
    """A model with random weights and large steps, so that a mistake in a step would show."""
    keras.utils.set_random_seed(1)
    model = FewShotClassifier(way, dim, num_steps, step_size, kind, dtype=dtype)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(np.asarray(weight) + 0.2 * rng.normal(size=weight.shape))
    return model


def tensors(inputs):
    return {name: tf.constant(value) for name, value in inputs.items()}


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def mean_of_class(inputs, way=WAY):
    """theta^0 of a model with a diagonal of ones, computed class by class."""
    return np.stack(
        [
            [unit(f[labels == n]).mean(0) for n in range(way)]
            for f, labels in zip(inputs["support_features"], inputs["support_labels"], strict=True)
        ]
    )


def steps_matter(model, inputs):
    path = model.logits_path(inputs).numpy()
    return abs(path[-1] - path[0]).max() > 1e-3


@both
def test_permuting_queries_permutes_logits(kind):
    model, inputs = classifier(kind), episodes()
    assert steps_matter(model, inputs)
    order = np.array([4, 0, 5, 2, 1, 3])
    shuffled = {**inputs, "query_features": inputs["query_features"][:, order]}
    np.testing.assert_allclose(model(shuffled), model(inputs).numpy()[:, order], atol=1e-12)


@both
def test_the_order_of_the_support_set_does_not_matter(kind):
    model, inputs = classifier(kind), episodes()
    order = np.array([5, 1, 3, 0, 4, 2])
    support = {n: inputs[n][:, order] for n in ("support_features", "support_labels")}
    np.testing.assert_allclose(model({**inputs, **support}), model(inputs), atol=1e-12)


def test_renaming_classes_permutes_logits_of_a_set_wise_model():
    model, inputs = classifier("set"), episodes()
    new_name = np.array([2, 0, 1])  # class n is now called new_name[n]
    renamed = {**inputs, "support_labels": new_name[inputs["support_labels"]]}
    np.testing.assert_allclose(model(renamed).numpy()[..., new_name], model(inputs), atol=1e-12)


@both
def test_an_episode_does_not_depend_on_its_batch(kind):
    model, inputs = classifier(kind), episodes()
    together = model(inputs).numpy()
    for i in range(3):
        alone = model({name: value[i : i + 1] for name, value in inputs.items()})
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-12, atol=1e-12)


@both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_have_the_precision_of_the_model(kind, dtype):
    assert classifier(kind, dtype=dtype)(episodes(dtype="float32")).dtype == dtype


@both
def test_classes_may_have_different_numbers_of_examples(kind):
    model, inputs = classifier(kind), episodes()
    inputs["support_labels"] = np.array(
        [[0, 0, 0, 1, 1, 2], [2, 2, 1, 0, 2, 2], [1, 0, 1, 2, 1, 1]]
    )
    expected = mean_of_class(inputs) * np.asarray(model.initialization.diagonal)
    np.testing.assert_allclose(model.theta_path(inputs, 0)[0], expected, atol=1e-12)


@both
def test_negative_labels_are_padding(kind):
    model, inputs = classifier(kind), episodes()
    noise = 100 * np.ones([3, 2, DIM])
    padded = {
        **inputs,
        "support_features": np.concatenate([noise, inputs["support_features"]], axis=1),
        "support_labels": np.pad(inputs["support_labels"], [(0, 0), (2, 0)], constant_values=-1),
    }
    np.testing.assert_allclose(model(padded), model(inputs), atol=1e-12)


def with_padded_queries(inputs, count=2):
    """Adds queries before and after those of the episodes, which the mask excludes."""
    batch, queries, dim = inputs["query_features"].shape
    features = np.random.default_rng(7).normal(size=(batch, queries + 2 * count, dim))
    features[:, count:-count] = inputs["query_features"]
    mask = np.zeros((batch, queries + 2 * count), bool)
    mask[:, count:-count] = True
    return {**inputs, "query_features": features, "query_mask": mask}


@pytest.mark.parametrize("queries", [1, 6])
@pytest.mark.parametrize(("kind", "way"), [("dense", WAY), ("set", WAY), ("set", None)])
def test_masked_queries_have_no_influence(kind, way, queries):
    model, inputs = classifier(kind, way=way), episodes(queries=queries)
    padded = with_padded_queries(inputs)
    unmasked = {name: value for name, value in padded.items() if name != "query_mask"}
    expected = model.logits_path(inputs).numpy()
    found = model.logits_path(padded).numpy()[:, :, 2:-2]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert abs(model.logits_path(unmasked).numpy()[:, :, 2:-2] - expected).max() > 1e-3


@both
def test_masked_queries_are_classified_with_theta_of_the_others(kind):
    model = classifier(kind)
    padded = with_padded_queries(episodes())
    theta = model.theta_path(episodes(), model.num_steps)[-1]
    expected = model.decoder(padded["query_features"], theta)
    np.testing.assert_allclose(model(padded), expected, atol=1e-12)


@both
def test_eager_graph_and_compiled_agree(kind):
    model, inputs = classifier(kind), tensors(episodes())
    eager = model(inputs)
    np.testing.assert_allclose(tf.function(model)(inputs), eager, atol=1e-12)
    np.testing.assert_allclose(tf.function(model, jit_compile=True)(inputs), eager, atol=1e-11)


@both
@pytest.mark.parametrize(("batch", "shot", "queries"), [(1, 1, 1), (2, 3, 5), (5, 1, 8)])
def test_sizes_may_change_between_calls(kind, batch, shot, queries):
    model = classifier(kind)
    model(episodes())
    logits = model(episodes(batch, shot=shot, queries=queries)).numpy()
    assert logits.shape == (batch, queries, WAY)
    assert np.isfinite(logits).all()


def test_a_set_wise_model_without_way_serves_any_number_of_classes():
    free = classifier("set", way=None)
    for way in (2, 3, 7):
        inputs = episodes(way=way)
        fixed = classifier("set", way=way)
        np.testing.assert_allclose(free(inputs), fixed(inputs), atol=1e-12)
        np.testing.assert_allclose(tf.function(free)(tensors(inputs)), fixed(inputs), atol=1e-12)


def of_different_ways(ways):
    """An episode of each way, alone and in a batch with padded support sets."""
    alone = [episodes(1, way=way, seed=way) for way in ways]
    longest = max(ways) * SHOT
    together = {"query_features": np.concatenate([one["query_features"] for one in alone])}
    for name, fill in (("support_features", 7), ("support_labels", -1)):
        parts = [one[name] for one in alone]
        rest = [[(0, 0), (0, longest - p.shape[1]), (0, 0)][: p.ndim] for p in parts]
        padded = [np.pad(p, r, constant_values=fill) for p, r in zip(parts, rest, strict=True)]
        together[name] = np.concatenate(padded)
    return alone, together


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-12)])
def test_episodes_of_different_ways_in_a_batch_are_independent(dtype, tolerance):
    ways = (3, 7, 2)
    alone, together = of_different_ways(ways)
    path = classifier("set", way=None, dtype=dtype).logits_path(together)
    assert np.isfinite(path).all()
    found = tf.nn.softmax(path).numpy()
    for i, way in enumerate(ways):
        fixed = classifier("set", way=way, dtype=dtype)
        assert steps_matter(fixed, alone[i])
        expected = tf.nn.softmax(fixed.logits_path(alone[i]))
        np.testing.assert_allclose(found[:, i, :, :way], expected[:, 0], rtol=0, atol=tolerance)
        np.testing.assert_array_equal(found[:, i, :, way:], 0)


def test_a_class_without_support_has_no_influence():
    free, inputs = classifier("set", way=None), episodes()
    label = np.array([0, 2, 5])  # of each class: 1, 3 and 4 have no support
    gaps = {**inputs, "support_labels": label[inputs["support_labels"]]}
    probabilities = tf.nn.softmax(free(gaps)).numpy()
    np.testing.assert_allclose(
        probabilities[..., label], tf.nn.softmax(free(inputs)), rtol=0, atol=1e-12
    )
    np.testing.assert_array_equal(probabilities[..., [1, 3, 4]], 0)


def test_classes_without_support_do_not_change_the_gradient():
    free, fixed = classifier("set", way=None), classifier("set")
    (inputs, _), batch = of_different_ways((WAY, 7))
    found, expected = (
        gradients(model, episode) for model, episode in ((free, batch), (fixed, inputs))
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)


def gradients(model, inputs):
    """Gradients of the loss of the first episode."""
    with tf.GradientTape() as tape:
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits([0, 1, 2, 0, 1, 2], model(inputs)[0])
    return tape.gradient(loss, [weight.value for weight in model.trainable_variables])


@both
def test_a_saved_model_predicts_the_same(kind, tmp_path):
    model, inputs = classifier(kind), episodes()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@both
def test_without_steps_it_is_a_cosine_classifier_of_prototypes(kind):
    inputs = episodes()
    model = FewShotClassifier(WAY, DIM, 0, synthetic_gradient=kind, dtype="float64")
    cosine = unit(inputs["query_features"]) @ unit(mean_of_class(inputs)).swapaxes(1, 2)
    np.testing.assert_allclose(model(inputs), 10 * cosine, atol=1e-12)


@both
def test_query_labels_are_ignored(kind):
    model, inputs = classifier(kind), episodes()
    given = {**inputs, "query_labels": np.zeros([3, 6], np.int32)}
    np.testing.assert_array_equal(model(given), model(inputs))


@both
def test_a_longer_path_contains_the_prediction(kind):
    model, inputs = classifier(kind), episodes()
    path = model.logits_path(inputs, num_steps=5).numpy()
    assert path.shape == (6, 3, 6, WAY)
    np.testing.assert_allclose(path[3], model(inputs), atol=1e-12)


@both
def test_every_weight_learns_from_the_query_labels(kind):
    model = classifier(kind)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(
                np.tile([0, 1, 2, 0, 1, 2], (3, 1)), model(episodes()), from_logits=True
            )
        )
    weights = model.trainable_variables
    gradients = tape.gradient(loss, [weight.value for weight in weights])
    still = [
        weight
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is None or np.max(np.abs(gradient)) < 1e-9
    ]
    # A shift common to all logits changes no softmax, hence nothing in a set-wise model.
    expected = [model.decoder.bias] if kind == "set" else []
    assert [w.path for w in still] == [w.path for w in expected]


@pytest.mark.parametrize("name", ["support_features", "support_labels", "query_features"])
def test_input_errors_name_the_argument(name):
    model, inputs = classifier("dense"), episodes()
    missing = {key: value for key, value in inputs.items() if key != name}
    with pytest.raises(ValueError, match=f"{name} is missing"):
        model(missing)
    with pytest.raises(ValueError, match=f"{name} must have rank"):
        model({**inputs, name: inputs[name][0]})


@pytest.mark.parametrize("name", ["support_features", "query_features"])
def test_another_feature_size_is_refused(name):
    inputs = episodes()
    with pytest.raises(ValueError, match=f"{name} must end in 4 features"):
        classifier("dense")({**inputs, name: inputs[name][..., :3]})


@pytest.mark.parametrize(
    ("name", "cut", "words"),
    [
        ("query_features", np.s_[:1], r"support_features and query_features .* axis 0"),
        ("support_labels", np.s_[:1], r"support_features and support_labels .* axis 0"),
        ("support_labels", np.s_[:, :5], r"support_labels .* axis 1.*\(3, 6, 4\) and \(3, 5\)"),
        ("query_mask", np.s_[:2], r"query_features and query_mask .* axis 0"),
        ("query_mask", np.s_[:, :5], r"query_features and query_mask .* axis 1"),
    ],
)
def test_inputs_of_different_sizes_are_refused(name, cut, words):
    inputs = {**episodes(), "query_mask": np.ones([3, 6], bool)}
    with pytest.raises(ValueError, match=words):
        classifier("dense")({**inputs, name: inputs[name][cut]})


def test_unknown_sizes_are_not_compared():
    model, inputs = classifier("dense"), episodes()
    shapes = {"support_features": [None, None, DIM], "support_labels": [3, 6]}
    shapes["query_features"] = [None, None, DIM]
    specs = {name: tf.TensorSpec(shape, inputs[name].dtype, name) for name, shape in shapes.items()}
    found = tf.function(model, input_signature=[specs])(tensors(inputs))
    np.testing.assert_allclose(found, model(inputs), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bool"])
def test_labels_that_are_not_integers_are_refused(dtype):
    inputs = episodes()
    labels = inputs["support_labels"].astype(dtype)
    with pytest.raises(ValueError, match=f"support_labels must be integers, got {dtype}"):
        classifier("dense")({**inputs, "support_labels": labels})


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_labels_may_be_integers_of_any_size(dtype):
    model, inputs = classifier("dense"), episodes()
    labels = inputs["support_labels"].astype(dtype)
    np.testing.assert_array_equal(model({**inputs, "support_labels": labels}), model(inputs))


@pytest.mark.parametrize("kind", ["dense", "set"])
@pytest.mark.parametrize("wrap", [lambda model: model, tf.function])
def test_labels_beyond_way_are_refused(kind, wrap):
    model, inputs = classifier(kind), tensors(episodes())
    inputs["support_labels"] += 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="less than the number of classes"):
        wrap(model)(inputs)


def test_a_dense_model_needs_way():
    with pytest.raises(ValueError, match="give way"):
        FewShotClassifier(None, DIM)


def test_an_unknown_synthetic_gradient_is_refused():
    with pytest.raises(UserError, match='synthetic_gradient="sparse" is unknown: use "dense" or'):
        FewShotClassifier(WAY, DIM, synthetic_gradient="sparse")
