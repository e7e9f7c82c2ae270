"""A SavedModel gives the answers of the Keras models, through each of its signatures."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sib_tf import FewShotClassifier
from sib_tf.backbones import registry
from sib_tf.serving import exported_model
from sib_tf.serving.export import export
from sib_tf.serving.predict.image_task import ImageTask

RESULTS = Path(__file__).parents[2] / "results"
SIZE, SHOT, QUERIES = 16, 2, 4

# Tolerance with features and steps in float64, whose rounding of 1e-16 grows to 1e-12 in the large
# steps below (that of float32 to 3e-4). What is left is the rounding of answers to float32, whose
# numbers below 1 are up to 2**-24 apart.
EXACT = 2.0**-24

# Tolerance with features in float32, which are summed in an order that depends on the batch: errors
# of 1e-6 in features and cosines, hence 1e-5 in logits, ten times a cosine. Small steps add little.
ROUNDED = 1e-5


def classifier(phi, way):
    """A set-wise classifier with random weights and large steps, so that a mistake would show."""
    keras.utils.set_random_seed(1)
    model = FewShotClassifier(way, phi.output_shape[-1], 2, 0.1, "set")
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(np.asarray(weight) + 0.2 * rng.normal(size=weight.shape))
    return model


@pytest.fixture(scope="module")
def phi():
    keras.utils.set_random_seed(0)
    return registry.build("conv4_8", image_size=SIZE)


@pytest.fixture(scope="module")
def exact_phi():
    """A network in float64: unlike a backbone's, its features depend on neither batch nor CPU."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Rescaling(1 / 255, dtype="float64"),
        keras.layers.Conv2D(8, 8, strides=8, activation="relu", dtype="float64"),
        keras.layers.Flatten(dtype="float64"),
    ]
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), *layers])


@pytest.fixture(scope="module")
def folder(exact_phi, tmp_path_factory):
    """An export, for any number of classes, of a model that was built for three."""
    path = tmp_path_factory.mktemp("export") / "1"
    export(path, exact_phi, classifier(exact_phi, way=3).for_any_way())
    return path


@pytest.fixture(scope="module")
def signatures(folder):
    # Without a reference to the model, the variables of its signatures would be deleted.
    model = tf.saved_model.load(str(folder))
    yield model.signatures
    del model


def images(*leading, seed=0, size=SIZE):
    shape = (*leading, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def image_episodes(way, batch=2, shot=SHOT, queries=QUERIES, size=SIZE):
    return {
        "support_images": images(batch, way * shot, seed=way, size=size),
        "support_labels": np.tile(np.arange(way * shot, dtype=np.int32) % way, (batch, 1)),
        "query_images": images(batch, queries, seed=way + queries, size=size),
    }


def files(images, format):
    """Encodes images with any leading axes."""
    encoded = np.empty(images.shape[:-3], object)
    for place in np.ndindex(encoded.shape):
        stream = io.BytesIO()
        Image.fromarray(images[place]).save(stream, format)
        encoded[place] = stream.getvalue()
    return encoded


def encoded_episodes(episodes):
    sets = {name: files(episodes[name], "PNG") for name in ("support_images", "query_images")}
    return {**episodes, **sets}


def call(signature, inputs):
    outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in outputs.items()}


def feature_episodes(phi, episodes):
    def embed(sets):
        return np.stack([phi(images, training=False) for images in sets])

    return {
        "support_features": embed(episodes["support_images"]),
        "support_labels": episodes["support_labels"],
        "query_features": embed(episodes["query_images"]),
    }


def in_float32(episodes):
    return {**episodes, **{n: x.astype(np.float32) for n, x in episodes.items() if "features" in n}}


def check_outputs(found, model, inputs):
    path = tf.nn.softmax(model.for_serving().logits_path(inputs)).numpy()
    assert sorted(found) == ["inductive_probabilities", "labels", "probabilities"]
    assert abs(path[-1] - path[0]).max() > 1e-3, "the steps change nothing"
    np.testing.assert_allclose(found["inductive_probabilities"], path[0], rtol=0, atol=EXACT)
    np.testing.assert_allclose(found["probabilities"], path[-1], rtol=0, atol=EXACT)
    np.testing.assert_array_equal(found["labels"], path[-1].argmax(-1))


@pytest.mark.parametrize("way", [2, 3, 7])
def test_images_to_predictions(signatures, exact_phi, way):
    episodes = image_episodes(way)
    found = call(signatures["serving_default"], episodes)
    check_outputs(found, classifier(exact_phi, way), feature_episodes(exact_phi, episodes))


@pytest.mark.parametrize("way", [2, 3, 7])
def test_features_to_predictions(signatures, exact_phi, way):
    inputs = in_float32(feature_episodes(exact_phi, image_episodes(way)))
    found = call(signatures["features"], inputs)
    check_outputs(found, classifier(exact_phi, way), inputs)


def test_files_to_predictions(signatures):
    episodes = image_episodes(3)
    expected = call(signatures["serving_default"], episodes)
    found = call(signatures["encoded"], encoded_episodes(episodes))
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_images_to_features(signatures, exact_phi):
    found = signatures["embed"](images=tf.constant(images(3)))
    assert list(found) == ["features"]
    np.testing.assert_allclose(found["features"], exact_phi(images(3)), rtol=0, atol=1e-12)


SET, IMAGE = (None, None), (SIZE, SIZE, 3)
EPISODE = {"support_labels": (tf.int32, SET)}
IMAGES = {"support_images": (tf.uint8, SET + IMAGE), "query_images": (tf.uint8, SET + IMAGE)}
FILES = {"support_images": (tf.string, SET), "query_images": (tf.string, SET)}


def described(specs):
    return {name: (spec.dtype, tuple(spec.shape)) for name, spec in specs.items()}


def test_names_types_and_shapes_of_the_signatures(gentle, phi, xi):
    _, _, signatures = gentle
    way = 3 if xi == "dense" else None
    (dim,) = phi.output_shape[1:]
    features = {f"{name}_features": (tf.float32, (*SET, dim)) for name in ("support", "query")}
    predictions = {
        "probabilities": (tf.float32, (*SET, way)),
        "labels": (tf.int32, SET),
        "inductive_probabilities": (tf.float32, (*SET, way)),
    }
    found = {
        name: (described(signature.structured_input_signature[1]), described(outputs))
        for name, signature in signatures.items()
        if (outputs := signature.structured_outputs)
    }
    assert found == {
        "serving_default": (EPISODE | IMAGES, predictions),
        "encoded": (EPISODE | FILES, predictions),
        "features": (EPISODE | features, predictions),
        "embed": ({"images": (tf.uint8, (None, *IMAGE))}, {"features": (tf.float32, (None, dim))}),
    }


def padded(alone, first=False):
    """Pads episodes of different sizes into one batch, as a client or as a model server does.

    Args:
        alone: episodes, each a batch of one.
        first: whether each starts with padding and is filled up with an input's first number.
    """
    together = {}
    for name in alone[0]:
        parts = [episode[name] for episode in alone]
        nothing = {"support_labels": -1}.get(name, b"" if parts[0].dtype == object else 0)
        if first:
            ends = [((0, 0), (1, 0), *[(0, 0)] * (p.ndim - 2)) for p in parts]
            parts = [
                np.pad(p, end, constant_values=nothing) for p, end in zip(parts, ends, strict=True)
            ]
        largest = max(p.shape[1] for p in parts)
        together[name] = np.concatenate(
            [
                np.pad(
                    p,
                    ((0, 0), (0, largest - p.shape[1]), *[(0, 0)] * (p.ndim - 2)),
                    constant_values=p.flat[0] if first else nothing,
                )
                for p in parts
            ]
        )
    return together


# Way, shot and queries of episodes that share a batch.
SIZES = {"set": [(2, 2, 1), (4, 1, 7), (3, 2, 4)], "dense": [(3, 1, 5), (3, 3, 20), (3, 2, 7)]}


@pytest.fixture(scope="module", params=SIZES)
def xi(request):
    return request.param


@pytest.fixture(scope="module")
def gentle(phi, tmp_path_factory, xi):
    """Episodes; folder and signatures of a model with a small step and thus small rounding."""
    keras.utils.set_random_seed(1)
    way = 3 if xi == "dense" else None
    model = FewShotClassifier(way, phi.output_shape[-1], num_steps=1, synthetic_gradient=xi)
    path = tmp_path_factory.mktemp("gentle") / "1"
    export(path, phi, model)
    model = tf.saved_model.load(str(path))
    episodes = [image_episodes(way, 1, shot, queries) for way, shot, queries in SIZES[xi]]
    yield episodes, path, model.signatures
    del model


@pytest.mark.parametrize("queries", [1, 4, 7])
def test_embedding_in_batches_gives_the_same_answers(gentle, monkeypatch, queries):
    _, folder, signatures = gentle
    monkeypatch.setattr(exported_model, "BATCH", 3)
    support, labels = images(3 * SHOT), np.arange(3 * SHOT, dtype=np.int32) % 3
    query = images(queries, seed=1)
    task = ImageTask(
        class_names=("a", "b", "c"),
        support_images=support,
        support_labels=labels,
        query_images=query,
    )
    found = exported_model.ExportedModel(folder).classify(task).probabilities
    expected = signatures["serving_default"](
        support_images=tf.constant(support[np.newaxis]),
        support_labels=tf.constant(labels[np.newaxis]),
        query_images=tf.constant(query[np.newaxis]),
    )["probabilities"][0]
    assert np.ptp(expected, axis=1).min() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDED)


def check_alone_and_together(signature, alone, first, tolerance):
    together = call(signature, padded(alone, first))
    for i, episode in enumerate(alone):
        expected = call(signature, episode)
        _, queries, way = expected["probabilities"].shape
        rows = slice(int(first), int(first) + queries)
        for name in ("probabilities", "inductive_probabilities"):
            assert np.ptp(expected[name]) > 1e-3
            found = together[name][i, rows]
            np.testing.assert_allclose(found[:, :way], expected[name][0], rtol=0, atol=tolerance)
            np.testing.assert_array_equal(found[:, way:], 0)
        np.testing.assert_array_equal(together["labels"][i, rows], expected["labels"][0])


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("signature", ["serving_default", "encoded", "features"])
def test_padding_and_neighbours_in_a_batch_change_nothing(gentle, phi, signature, first):
    episodes, _, signatures = gentle
    convert = {"encoded": encoded_episodes, "features": lambda e: feature_episodes(phi, e)}
    alone = [convert.get(signature, dict)(episode) for episode in episodes]
    tolerance = EXACT if signature == "features" else ROUNDED
    check_alone_and_together(signatures[signature], alone, first, tolerance)


@pytest.mark.slow
def test_padding_and_neighbours_change_nothing_for_a_trained_model(tmp_path):
    folder = RESULTS / "cifar_fs_conv4_64/1shot-seed0"
    phi = keras.saving.load_model(folder / "backbone.keras")
    export(tmp_path / "1", phi, keras.saving.load_model(folder / "model.keras"))
    model = tf.saved_model.load(str(tmp_path / "1"))
    sizes = [(5, 1, 20), (5, 2, 5), (5, 1, 9), (5, 1, 1), (5, 1, 2), (5, 1, 3)]
    alone = [image_episodes(way, 1, *rest, size=32) for way, *rest in sizes]
    check_alone_and_together(model.signatures["serving_default"], alone, True, ROUNDED)


@pytest.mark.parametrize("kind", ["dense", "set"])
def test_the_steps_do_not_amplify_rounding(phi, tmp_path, kind):
    """With similar features and large steps, errors of float32 would exceed 1e-5."""
    keras.utils.set_random_seed(1)
    (dim,) = phi.output_shape[1:]
    export(tmp_path / "1", phi, FewShotClassifier(3, dim, 2, 0.1, kind))
    rng = np.random.default_rng(0)
    mean = rng.uniform(size=dim)

    def features(number):
        return (mean + 0.2 * rng.normal(size=(1, number, dim))).astype(np.float32)

    alone = [
        {
            "support_features": features(3),
            "support_labels": np.arange(3, dtype=np.int32)[np.newaxis],
            "query_features": features(queries),
        }
        for queries in [20, *[1, 2, 3] * 10]
    ]
    model = tf.saved_model.load(str(tmp_path / "1"))
    check_alone_and_together(model.signatures["features"], alone, True, EXACT)


def test_the_order_of_the_queries_does_not_matter(gentle):
    episodes, order = image_episodes(3), [2, 0, 3, 1]
    permuted = {**episodes, "query_images": episodes["query_images"][:, order]}
    found, expected = (call(gentle[-1]["serving_default"], e) for e in (permuted, episodes))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value[:, order], rtol=0, atol=ROUNDED)


def test_a_black_file_is_not_padding(signatures, exact_phi):
    episodes = image_episodes(3)
    episodes["query_images"][0, 1] = 0
    found = call(signatures["encoded"], encoded_episodes(episodes))["probabilities"]
    model, inputs = classifier(exact_phi, 3).for_serving(), feature_episodes(exact_phi, episodes)
    expected = tf.nn.softmax(model(inputs)).numpy()
    masked = call(signatures["serving_default"], episodes)["probabilities"]
    assert abs(masked - expected)[0].max() > 1e-2
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT)


def test_serving_changes_no_variable(folder):
    model = tf.saved_model.load(str(folder))
    before = [variable.numpy() for variable in model.variables]
    answers = [call(model.signatures["serving_default"], image_episodes(3)) for _ in range(2)]
    np.testing.assert_array_equal(answers[0]["probabilities"], answers[1]["probabilities"])
    assert before
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


@pytest.mark.slow
def test_sib_tf_is_not_needed(folder, exact_phi, tmp_path):
    episodes = image_episodes(way=7)
    np.savez(tmp_path / "episodes.npz", **episodes)
    code = f"""
import sys, numpy as np, tensorflow as tf
model = tf.saved_model.load({str(folder)!r})
inputs = {{name: tf.constant(value) for name, value in np.load("episodes.npz").items()}}
np.save("found.npy", model.signatures["serving_default"](**inputs)["probabilities"])
assert "sib_tf" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    model = classifier(exact_phi, way=7).for_serving()
    expected = tf.nn.softmax(model(feature_episodes(exact_phi, episodes)))
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected, rtol=0, atol=EXACT)


@pytest.fixture(scope="module")
def limited(exact_phi, tmp_path_factory):
    """The model of `folder`, exported for no more than four queries."""
    path = tmp_path_factory.mktemp("limited") / "1"
    export(path, exact_phi, classifier(exact_phi, way=3).for_any_way(), max_queries=4)
    return exported_model.ExportedModel(path)


@pytest.mark.parametrize("name", ["serving_default", "encoded", "features"])
def test_as_many_queries_as_allowed_and_one_of_padding_are_answered(
    limited, signatures, exact_phi, name
):
    convert = {"encoded": encoded_episodes, "features": lambda e: feature_episodes(exact_phi, e)}
    episodes = convert.get(name, dict)(image_episodes(3, batch=1))
    inputs = in_float32(padded([episodes], first=True))
    signature = tf.saved_model.load(str(limited.version)).signatures[name]
    found, expected = (call(of_model, inputs) for of_model in (signature, signatures[name]))
    np.testing.assert_array_equal(found["probabilities"], expected["probabilities"])


@pytest.mark.parametrize("name", ["serving_default", "encoded", "features"])
@pytest.mark.parametrize("first", [False, True], ids=["alone", "after padding"])
def test_one_query_more_is_refused_before_anything_else_is_looked_at(
    limited, exact_phi, name, first
):
    episodes = image_episodes(3, batch=1, queries=5)
    if name == "encoded":
        episodes = {**episodes, **dict.fromkeys(FILES, np.full((1, 5), b"no image", object))}
        episodes["support_labels"] = episodes["support_labels"][:, :5]
    elif name == "features":
        episodes = in_float32(feature_episodes(exact_phi, episodes))
        episodes["query_features"][0, 0, 0] = np.nan
    words = r"\[query_(images|features) must be no more than 4 in an episode, .*, got\] \[5\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        call(tf.saved_model.load(str(limited.version)).signatures[name], padded([episodes], first))


def test_padding_counts_where_there_is_much_of_it(limited, exact_phi):
    episodes = in_float32(feature_episodes(exact_phi, image_episodes(3, batch=1, queries=1)))
    episodes["query_features"] = np.pad(episodes["query_features"], ((0, 0), (0, 99), (0, 0)))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"no more than 4 .* got\] \[99\]"):
        limited.signature({name: tf.constant(value) for name, value in episodes.items()})


def test_more_queries_than_a_request_may_have_are_dealt_out(limited, exact_phi):
    (support, labels, query) = (
        x[0]
        for x in in_float32(feature_episodes(exact_phi, image_episodes(3, 1, queries=9))).values()
    )
    found = limited.classify_features(support, labels, query)
    model = classifier(exact_phi, 3).for_serving()
    for n in range(3):
        part = {
            "support_features": support,
            "support_labels": labels,
            "query_features": query[n::3],
        }
        path = tf.nn.softmax(model.logits_path({name: x[np.newaxis] for name, x in part.items()}))
        np.testing.assert_allclose(found.inductive_probabilities[n::3], path[0, 0], atol=EXACT)
        np.testing.assert_allclose(found.probabilities[n::3], path[-1, 0], atol=EXACT)


def test_an_export_of_before_there_was_a_limit_has_none(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "1", ignore=shutil.ignore_patterns("assets.extra"))
    assert exported_model.ExportedModel(tmp_path).max_queries is None
    assert exported_model.ExportedModel(folder).max_queries == 10_000
