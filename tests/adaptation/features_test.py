"""Features as batches, class means, BatchNorm statistics, turned images."""

import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf.adaptation import batch_statistics, evaluation
from sib_tf.adaptation.batches import FeatureRows, evaluation_batches, training_batches
from sib_tf.adaptation.minibatches.reader import MinibatchTable
from sib_tf.adaptation.report.changed_images import choose
from sib_tf.adaptation.start import STARTS, Start, class_means
from sib_tf.adaptation.turned_batches import training_batches as turned_batches
from sib_tf.backbones import feature_network
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.backbones.normalization import batch_norm
from sib_tf.features.feature_table import FeatureTable


def table(domain, images, views=2, dim=3):
    """Features that say where they come from: 1000 domain + 100 view + 10 turn + image."""
    view, turn, image = np.indices((views, 4, images))
    rows = (1000 * domain + 100 * view + 10 * turn + image).reshape(-1, images, 1)
    return FeatureTable(np.repeat(rows, dim, axis=2).astype(np.float32), np.zeros(images))


@pytest.fixture(scope="module")
def rows():
    return FeatureRows([table(0, 4), table(1, 6)])


def test_training_looks_up_domain_image_and_angle_and_draws_a_view(rows):
    ids = np.array([[0, 3], [5, 2], [1, 2], [4, 4]], np.int32)
    domains, labels = np.array([0, 1, 0, 1], np.int32), ids + 1
    minibatches = MinibatchTable(domains, ids, labels)
    how = {"steps_per_call": 2, "minibatches_per_step": 1, "seed": 0, "starts": [7, 8]}
    batches = training_batches(rows, minibatches, **how)
    runs = list(batches.take(12).as_numpy_iterator())
    views = set()
    for number, (inputs, found) in enumerate(runs):
        part = slice(0, 2) if number % 2 == 0 else slice(2, 4)
        np.testing.assert_array_equal(found[:, 0], labels[part])
        np.testing.assert_array_equal(inputs["start"][:, 0], 7 + domains[part])
        features = inputs["features"][:, 0]
        assert features.shape == (2, 2, 4, 3)
        view = features[:, :, 0, 0] % 1000 // 100
        views |= set(view.ravel())
        origin = 1000 * domains[part, None] + 100 * view + ids[part]
        np.testing.assert_array_equal(features[..., 0], origin[..., None] + [0, 10, 20, 30])
    assert views == {0, 1}
    (again, _), *_ = training_batches(rows, minibatches, first_step=2, **how).take(1)
    np.testing.assert_array_equal(again["features"], runs[1][0]["features"])


def test_evaluation_takes_the_first_view_and_marks_padding(rows):
    ids = np.array([[0, 3, 1], [5, -1, -1]], np.int32)
    minibatches = MinibatchTable(np.array([0, 1], np.int32), ids, ids)
    ((inputs, labels, weights),) = evaluation_batches(rows, minibatches, [0, 0])
    np.testing.assert_array_equal(inputs["features"][0, :, 0, 0], [0, 3, 1])
    np.testing.assert_array_equal(inputs["features"][1, 0, :, 0], [1005, 1015, 1025, 1035])
    np.testing.assert_array_equal(inputs["query_mask"], ids >= 0)
    np.testing.assert_array_equal(weights, ids >= 0)
    assert (labels.numpy() >= 0).all()


def test_class_means_are_of_unit_features_in_each_domain():
    features = np.array([[3, 0], [0, 2], [1, 0], [0, 4]], np.float32)
    labels, domains = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning):
        means = class_means(features, labels, domains, 2)
    np.testing.assert_allclose(means[0], [[0.5, 0.5], [1, 0]])
    np.testing.assert_allclose(means[1, 1], [0, 1])
    assert np.isnan(means[1, 0]).all()
    start = Start(np.ones((2, 2)), np.zeros((4, 2)), np.array(10), np.array(0), means)
    np.testing.assert_allclose(STARTS["class_means"](start), [[0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(STARTS["classifier"](start), np.ones((2, 2)))


def test_batch_statistics_are_the_mean_over_batches(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (200, 2, 2, 3)).astype(np.uint8)
    layers = [keras.Input((2, 2, 3)), batch_norm("bn"), keras.layers.GlobalAveragePooling2D()]
    feature_network.save_frozen(keras.Sequential(layers, name="phi"), tmp_path / "phi.keras")
    phi = keras.saving.load_model(tmp_path / "phi.keras")
    batch_statistics.adapt(phi, images)
    (norm,) = (
        layer
        for layer in phi._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    halves = images.reshape(2, -1, 3).astype(float)
    np.testing.assert_allclose(norm.moving_mean, halves.mean(axis=(0, 1)), rtol=1e-5)
    unbiased = halves.var(axis=1, ddof=1).mean(axis=0)
    np.testing.assert_allclose(norm.moving_variance, unbiased, rtol=1e-4)


def test_some_images_are_turned_and_count_for_no_class():
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 3)).astype(np.uint8)
    batches = turned_batches(
        images,
        np.arange(40),
        batch_size=40,
        augmentation=Augmentation(0, False, 0.0),
        turned=0.6,
        seed=0,
    )
    pictures, targets, weights = next(batches.as_numpy_iterator())
    assert sorted(targets["label"]) == list(range(40))
    assert set(targets["turn"]) == {0, 1, 2, 3}
    np.testing.assert_array_equal(weights["label"], targets["turn"] == 0)
    np.testing.assert_array_equal(weights["turn"], np.ones(40))
    for picture, label, turn in zip(pictures, targets["label"], targets["turn"], strict=True):
        np.testing.assert_array_equal(picture, np.rot90(images[label], turn))


def test_results_are_shares_of_right_answers_with_their_interval():
    """Of four images 2 are right at K = 0 and 3 at K = 1; 1.96 sqrt(p (1 - p) / 4)."""
    labels = np.array([0, 1, 1, 0])
    answers = np.eye(2)[np.array([[0, 1, 0, 1], [0, 1, 1, 1]])]
    before, after = evaluation.rows("sib", answers, labels)
    assert (before["num_steps"], before["accuracy"], before["ci95"]) == (0, 0.5, 0.49)
    assert (after["num_steps"], after["accuracy"]) == (1, 0.75)
    np.testing.assert_array_equal(evaluation.confusion(answers[1], labels), [[1, 1], [0, 2]])


def test_the_classifier_of_pre_training_is_a_cosine_classifier():
    theta = np.array([[2.0, 0], [0, 5]])
    start = Start(theta, np.zeros((4, 2)), np.array(10.0), np.array(0.5), theta[None])
    features = FeatureTable(np.array([[[3.0, 4.0]]]), np.zeros(1))
    expected = tf.nn.softmax([10 * (0.6 + 0.5), 10 * (0.8 + 0.5)])
    np.testing.assert_allclose(evaluation.of_start(start, features)[0, 0], expected)


def test_the_classifier_of_pre_training_holds_few_features_at_a_time():
    """Of 10,000 images: what was made and is alive at once, in bytes."""
    features = np.random.default_rng(0).normal(size=(1, 10_000, 64)).astype(np.float32)
    start = Start(np.eye(2, 64), np.zeros((4, 64)), np.array(1.0), np.array(0.0), None)
    tracemalloc.start()
    found = evaluation.of_start(start, FeatureTable(features, np.zeros(10_000)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.shape == (1, 10_000, 2)
    assert most < features.nbytes / 2


def test_images_shown_are_of_each_kind_of_change_by_turns():
    truth = np.zeros(6, int)
    before, after = np.array([1, 1, 0, 0, 1, 0]), np.array([0, 0, 1, 0, 2, 2])
    np.testing.assert_array_equal(choose(before, after, truth, 4), [0, 2, 4, 1])


def test_differences_are_paired_and_at_the_same_number_of_steps():
    labels = np.array([0, 0, 1, 1])
    wrong, right, half = 1 - np.eye(2)[labels], np.eye(2)[labels], np.eye(2)[[0, 0, 0, 0]]
    found = {
        "rotation": np.stack([half, half, right]),
        "init": np.stack([right, right, wrong]),
        "plain": wrong[np.newaxis],
    }
    itself, init, plain = evaluation.differences("rotation", 2, found, labels)
    # Two of four images are gained; half an image is added to each of four outcomes.
    assert (itself["than"], itself["than_steps"]) == ("rotation", 0)
    assert itself["difference"] == pytest.approx((2.5 - 0.5) / 6)
    assert itself["ci95"] == pytest.approx(1.96 * ((3 / 6 - (2 / 6) ** 2) / 6) ** 0.5)
    assert (init["than"], init["than_steps"], plain["than_steps"]) == ("init", 2, 0)
    assert init["difference"] == plain["difference"] == pytest.approx((4.5 - 0.5) / 6)
