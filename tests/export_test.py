"""What a SavedModel says is what the Keras models say, through each of its signatures."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier, backbones, prediction
from sib_tf.export import export
from sib_tf.image_episode import Episode

SIZE, SHOT, QUERIES = 16, 2, 4

# Convolutions of another batch, or fused in a graph, round in another order; the large steps below
# amplify it to some 2e-5.
ROUNDING = 1e-4


def classifier(phi, way):
    """A set-wise one that takes large steps with random weights, so that a mistake would show."""
    keras.utils.set_random_seed(1)
    model = FewShotClassifier(way, phi.output_shape[-1], 2, 0.1, "set")
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(np.asarray(weight) + 0.2 * rng.normal(size=weight.shape))
    return model


@pytest.fixture(scope="module")
def phi():
    keras.utils.set_random_seed(0)
    return backbones.build("conv4_8", image_size=SIZE)


@pytest.fixture(scope="module")
def folder(phi, tmp_path_factory):
    """An export for any number of classes of a model that was made for three."""
    path = tmp_path_factory.mktemp("export") / "1"
    export(path, phi, classifier(phi, way=3).for_any_way())
    return path


@pytest.fixture(scope="module")
def signatures(folder):
    # The model goes with its last reference, and with it the variables of the signatures.
    model = tf.saved_model.load(str(folder))
    yield model.signatures
    del model


def images(*leading, seed=0):
    shape = (*leading, SIZE, SIZE, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def image_episodes(way, batch=2):
    return {
        "support_images": images(batch, way * SHOT, seed=way),
        "support_labels": np.tile(np.arange(way * SHOT, dtype=np.int32) % way, (batch, 1)),
        "query_images": images(batch, QUERIES, seed=way + 1),
    }


def feature_episodes(phi, episodes):
    def embed(sets):
        return np.stack([phi(images, training=False) for images in sets])

    return {
        "support_features": embed(episodes["support_images"]),
        "support_labels": episodes["support_labels"],
        "query_features": embed(episodes["query_images"]),
    }


def check_outputs(found, model, inputs):
    path = tf.nn.softmax(model.logits_path(inputs)).numpy()
    assert sorted(found) == ["inductive_probabilities", "labels", "probabilities"]
    assert abs(path[-1] - path[0]).max() > 1e-3, "the steps change nothing"
    np.testing.assert_allclose(found["inductive_probabilities"], path[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["probabilities"], path[-1], rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(found["labels"], path[-1].argmax(-1))


@pytest.mark.parametrize("way", [2, 3, 7])
def test_images_to_predictions(signatures, phi, way):
    episodes = image_episodes(way)
    found = signatures["serving_default"](**{n: tf.constant(v) for n, v in episodes.items()})
    check_outputs(found, classifier(phi, way), feature_episodes(phi, episodes))


@pytest.mark.parametrize("way", [2, 3, 7])
def test_features_to_predictions(signatures, phi, way):
    inputs = feature_episodes(phi, image_episodes(way))
    found = signatures["features"](**{n: tf.constant(v) for n, v in inputs.items()})
    check_outputs(found, classifier(phi, way), inputs)


def test_images_to_features(signatures, phi):
    found = signatures["embed"](images=tf.constant(images(3)))
    assert list(found) == ["features"]
    np.testing.assert_allclose(found["features"], phi(images(3), training=False), rtol=0, atol=1e-5)


@pytest.mark.parametrize("queries", [1, 4, 7])
def test_embedding_in_batches_gives_the_same_answers(signatures, folder, monkeypatch, queries):
    monkeypatch.setattr(prediction, "_BATCH", 3)
    support, labels = images(3 * SHOT), np.arange(3 * SHOT, dtype=np.int32) % 3
    query = images(queries, seed=1)
    episode = Episode(
        class_names=("a", "b", "c"),
        support_images=support,
        support_labels=labels,
        query_files=(Path("unused"),) * queries,
        query_images=query,
        readable=np.ones(queries, bool),
    )
    found = prediction.ExportedModel(folder).classify(episode)
    expected = signatures["serving_default"](
        support_images=tf.constant(support[np.newaxis]),
        support_labels=tf.constant(labels[np.newaxis]),
        query_images=tf.constant(query[np.newaxis]),
    )["probabilities"][0]
    assert np.ptp(expected, axis=1).min() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_a_fixed_number_of_classes_is_in_the_shape(phi, tmp_path):
    export(tmp_path / "1", phi, classifier(phi, way=3))
    outputs = tf.saved_model.load(str(tmp_path / "1")).signatures["features"].structured_outputs
    assert outputs["probabilities"].shape.as_list() == [None, None, 3]


@pytest.mark.slow
def test_sib_tf_is_not_needed(folder, phi, tmp_path):
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
    expected = tf.nn.softmax(classifier(phi, way=7)(feature_episodes(phi, episodes)))
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected, rtol=0, atol=ROUNDING)
