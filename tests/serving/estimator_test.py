"""An exported model as a scikit-learn classifier."""

import dataclasses
import pickle
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

import sib_tf
from sib_tf import FewShotClassifier
from sib_tf.base.errors import UserError
from sib_tf.datasets.images import read_rgb
from sib_tf.serving.estimator.classifier import SyntheticGradientClassifier
from sib_tf.serving.estimator.given_images import batches
from sib_tf.serving.export import export
from sib_tf.serving.exported_model import ExportedModel
from tests.serving import nearest_mean

README = Path(__file__).parents[2] / "README.md"
SIZE, SHOT = 8, 4
COLOURS = {"red": (220, 30, 30), "green": (30, 220, 30), "blue": (30, 30, 220)}
NAMES = np.repeat([*COLOURS], SHOT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model for any number of classes; features in float64 depend on no batch."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Rescaling(1 / 255, dtype="float64"),
        keras.layers.Conv2D(16, SIZE // 2, strides=SIZE // 2, activation="relu", dtype="float64"),
        keras.layers.Flatten(dtype="float64"),
    ]
    phi = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *layers])
    path = tmp_path_factory.mktemp("any_way")
    export(path / "1", phi, FewShotClassifier(None, phi.output_shape[-1], 1, 0.05, "general"))
    return path


@pytest.fixture(scope="module")
def three_way(tmp_path_factory):
    """A model for larger images that tells three classes apart."""
    path = tmp_path_factory.mktemp("three_way")
    nearest_mean.save(path / "1", size=2 * SIZE, num_classes=3)
    return path


@pytest.fixture(scope="module")
def model(folder):
    return sib_tf.load(str(folder))


@pytest.fixture(scope="module")
def fitted(model, support):
    return clone(model).fit(support, NAMES)


def noisy(colours, seed, size=SIZE):
    """Images of these colours under noise, uint8 [n, size, size, 3]."""
    noise = np.random.default_rng(seed).integers(-90, 91, (len(colours), size, size, 3))
    return np.clip(np.array(colours)[:, None, None] + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def support():
    return noisy([COLOURS[name] for name in NAMES], seed=0)


@pytest.fixture(scope="module")
def query():
    return noisy([COLOURS[name] for name in ("blue", "red", "green", "red", "red")], seed=1)


def test_answers_are_those_of_the_model_with_the_names_of_the_classes(
    model, folder, support, query
):
    found = model.classify(support, NAMES, query)
    signature = tf.saved_model.load(str(folder / "1")).signatures["serving_default"]
    expected = signature(
        support_images=tf.constant(support[np.newaxis]),
        # blue, green, red: the order of their names
        support_labels=tf.constant(np.repeat([2, 1, 0], SHOT)[np.newaxis].astype(np.int32)),
        query_images=tf.constant(query[np.newaxis]),
    )
    assert found.class_names.tolist() == ["blue", "green", "red"]
    assert found.labels.tolist() == ["blue", "red", "green", "red", "red"]
    assert abs(found.probabilities - found.inductive_probabilities).max() > 1e-2
    for name in ("probabilities", "inductive_probabilities"):
        answers = getattr(found, name)
        assert answers.dtype == np.float32
        # Between the two, features are rounded to float32.
        np.testing.assert_allclose(answers, expected[name][0], rtol=0, atol=1e-5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.probabilities = None


def test_answers_are_those_of_exported_model(fitted, folder, support, query):
    exported = ExportedModel(folder)
    labels = np.repeat([2, 1, 0], SHOT).astype(np.int32)
    features = (exported.features(images) for images in (support, query))
    expected = exported.classify_features(next(features), labels, next(features))
    np.testing.assert_array_equal(fitted.predict_proba(query), expected.probabilities)
    inductive = clone(fitted).set_params(transductive=False).fit(support, NAMES)
    np.testing.assert_array_equal(inductive.predict_proba(query), expected.inductive_probabilities)


def test_size_and_number_of_classes_are_those_of_the_model(model, three_way):
    assert (model.image_size, model.num_classes) == ((SIZE, SIZE), None)
    other = clone(model).set_params(model=three_way)
    assert (other.image_size, other.num_classes) == ((2 * SIZE, 2 * SIZE), 3)


def test_files_images_and_arrays_of_any_size_are_read_alike(model, support, tmp_path):
    large = noisy([*COLOURS.values()], seed=2, size=21)[:, :14]
    files = [tmp_path / f"{n}.png" for n in range(3)]
    for file, image in zip(files, large, strict=True):
        Image.fromarray(image).save(file)
    fitting = np.stack([read_rgb(file, (SIZE, SIZE)) for file in files])
    with Image.open(files[2]) as opened:
        mixed = model.classify(support, NAMES, [str(files[0]), large[1], opened])
    names = np.array([str(file) for file in files])
    for query in (large, tf.constant(large), files, names, iter(files)):
        found = model.classify(support, NAMES, query).probabilities
        np.testing.assert_array_equal(found, mixed.probabilities)
    expected = model.classify(support, NAMES, fitting)
    np.testing.assert_array_equal(mixed.probabilities, expected.probabilities)
    assert np.ptp(expected.probabilities, axis=0).min() > 1e-2


def test_images_of_pillow_are_upright(tmp_path):
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    pixels[: SIZE // 2] = 255  # the upper half
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        (found,) = batches("images", [opened], (SIZE, SIZE), 1)
    np.testing.assert_array_equal(found, [pixels[::-1]])


def test_images_are_read_in_batches(support):
    parts = [*batches("images", [*support], (4, 2), batch_size=5)]
    assert [part.shape for part in parts] == [(5, 4, 2, 3), (5, 4, 2, 3), (2, 4, 2, 3)]


@pytest.mark.parametrize(
    "classes",
    [["x", "y", "z"], [-5, 7, 30], [1.0, 2.0, 3.0], np.array(["x", "y", "z"], object)],
    ids=["names", "integers", "floats", "objects"],
)
def test_labels_of_any_type(model, support, query, classes):
    blue, green, red = classes
    labels = [label for label in (red, green, blue) for _ in range(SHOT)]
    classifier = clone(model).fit(support, labels)
    assert classifier.classes_.tolist() == [blue, green, red]
    assert classifier.predict(query).tolist() == [blue, red, green, red, red]


def test_two_classes_of_unequal_numbers_of_images(model, support, query):
    found = model.classify(support[: SHOT + 1], NAMES[: SHOT + 1], query[1:3])
    assert found.class_names.tolist() == ["green", "red"]
    assert found.labels.tolist() == ["red", "green"]


def test_an_answer_depends_on_the_other_images_unless_it_is_inductive(fitted, support, query):
    together, alone = fitted.predict_proba(query)[:1], fitted.predict_proba(query[:1])
    assert abs(together - alone).max() > 1e-2
    inductive = clone(fitted).set_params(transductive=False).fit(support, NAMES)
    for images in (query, query[:1]):
        found = inductive.predict_proba(images)[:1]
        np.testing.assert_allclose(found, alone, rtol=0, atol=1e-6)


def test_classify_leaves_what_was_fitted(fitted, support, query):
    before = fitted.predict_proba(query)
    fitted.classify(support[: 2 * SHOT], NAMES[: 2 * SHOT], query)
    np.testing.assert_array_equal(fitted.predict_proba(query), before)


def test_it_is_a_classifier_of_scikit_learn(fitted, support, query):
    assert is_classifier(fitted)
    assert fitted.classes_.tolist() == ["blue", "green", "red"]
    probabilities = fitted.predict_proba(query)
    assert probabilities.shape == (5, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(
        fitted.predict(query), fitted.classes_[probabilities.argmax(axis=1)]
    )
    assert fitted.score(query, ["blue", "red", "green", "red", "blue"]) == 0.8


def test_a_clone_has_the_parameters_and_nothing_that_was_fitted(fitted, folder, query):
    other = clone(fitted)
    assert other.get_params() == {"model": str(folder), "transductive": True}
    with pytest.raises(NotFittedError):
        other.predict(query)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimators_unfitted,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_set_params,
    ],
)
def test_what_scikit_learn_checks_without_images(check):
    check("SyntheticGradientClassifier", SyntheticGradientClassifier("not loaded"))


def test_a_pickle_has_the_path_of_the_model(three_way, support, query, tmp_path):
    model = shutil.copytree(three_way, tmp_path / "model")
    classifier = SyntheticGradientClassifier(model).fit(support, NAMES)
    stored = pickle.dumps(classifier)
    np.testing.assert_array_equal(
        pickle.loads(stored).predict_proba(query), classifier.predict_proba(query)
    )
    shutil.rmtree(model)
    with pytest.raises(ValueError, match=f"^{model}/1: no such model folder"):
        pickle.loads(stored).predict(query)


def test_a_clone_shares_the_model_that_is_loaded(model, support, query, monkeypatch):
    monkeypatch.setattr("sib_tf.serving.estimator.classifier.ExportedModel", None)
    assert clone(model).fit(support, NAMES).predict(query).shape == (5,)
    with pytest.raises(TypeError):
        SyntheticGradientClassifier(model.model).fit(support, NAMES)


def test_a_version_that_comes_after_fit_is_of_the_next_fit(
    model, folder, three_way, support, query, tmp_path
):
    shutil.copytree(folder / "1", tmp_path / "1")
    two = {"X": support[: 2 * SHOT], "y": NAMES[: 2 * SHOT]}
    classifier = clone(model).set_params(model=tmp_path).fit(**two)
    before = classifier.predict_proba(query)
    shutil.copytree(three_way / "1", tmp_path / "2")
    assert classifier.num_classes == 3
    np.testing.assert_array_equal(classifier.predict_proba(query), before)
    with pytest.raises(ValueError, match="2 classes but the model tells 3 apart"):
        classifier.fit(**two)
    assert classifier.fit(support, NAMES).version_ == tmp_path / "2"


def test_cross_validation(model, support, tmp_path):
    files = [tmp_path / f"{n}.png" for n in range(len(support))]
    for file, image in zip(files, support, strict=True):
        Image.fromarray(image).save(file)
    scores = cross_val_score(model, files, NAMES, cv=2, error_score="raise")
    np.testing.assert_array_equal(scores, cross_val_score(model, support, NAMES, cv=2))
    assert scores.min() > 0.8


def test_the_last_step_of_a_pipeline(model, fitted, support, query):
    upright = make_pipeline(FunctionTransformer(np.flip, kw_args={"axis": 1}), clone(model))
    upright.fit(support[:, ::-1], NAMES)
    found = upright.predict_proba(query[:, ::-1])
    np.testing.assert_array_equal(found, fitted.predict_proba(query))


ONE = np.zeros((SIZE, SIZE, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, SIZE, SIZE, 3)), "query_images: is float64; give uint8, pixels of 0 .. 255"),
        (ONE, r"query_images: has shape \[8, 8, 3\]; give \[n, H, W, 3\]"),
        (np.zeros((2, 3, SIZE, SIZE), np.uint8), r"has shape \[2, 3, 8, 8\]; give \[n, H, W, 3\]"),
        (np.zeros((2, 0, SIZE, 3), np.uint8), r"has shape \[2, 0, 8, 3\]"),
        ([ONE, ONE[..., 0]], r"query_images\[1\]: has shape \[8, 8\]; give \[H, W, 3\]"),
        ([ONE, np.full(ONE.shape, np.nan)], r"query_images\[1\]: is float64; give uint8"),
        (["absent.png"], r"absent\.png: cannot be read as an image \(No such file"),
        ([Image.new("F", (3, 3))], r"query_images\[0\]: cannot be read as an image \(floating"),
        ([ONE, 3], r"query_images\[1\]: is int; give a file, a Pillow image or an array"),
        ("one.png", "query_images: is one image; give a list"),
        (Image.fromarray(ONE), "query_images: is one image; give a list"),
        (None, "query_images: is NoneType; give a list"),
        ([], "query_images: has no image"),
        (np.zeros((0, SIZE, SIZE, 3), np.uint8), "query_images: has no image"),
    ],
)
def test_bad_images_are_refused_in_one_line(model, support, images, words):
    with pytest.raises(ValueError, match=f"^(query_images: )?{words}") as caught:
        model.classify(support, NAMES, images)
    assert isinstance(caught.value, UserError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (NAMES[1:], "has 11 labels for 12 images; give one for each"),
        (["a"] * len(NAMES), "has one class only; add images of the other classes"),
        (np.linspace(0, 1, len(NAMES)), "is continuous; give a class name or an integer"),
        (["a", None] * 6, "cannot be used .*; give a class name or an integer"),
        ([0.0, np.nan] * 6, "cannot be used .*NaN.*; give a class name or an integer"),
        ([["a", "b"]] * len(NAMES), r"cannot be used .*\(12, 2\).*; give a class name"),
    ],
    ids=["too few", "one class", "continuous", "missing", "NaN", "two columns"],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of scikit-learn, about NaN
def test_bad_labels_are_refused_in_one_line(model, support, labels, words):
    with pytest.raises(ValueError, match=f"^support_labels: {words}") as caught:
        clone(model).fit(support, labels)
    assert isinstance(caught.value, UserError)
    assert "\n" not in str(caught.value)


def test_number_of_classes_must_fit_the_model(three_way, support, query):
    model = sib_tf.load(three_way)
    with pytest.raises(ValueError, match=r"2 classes but .* apart; give it 3, .*photographs`$"):
        model.classify(support[: 2 * SHOT], NAMES[: 2 * SHOT], query)
    assert model.classify(support, NAMES, query).probabilities.shape == (5, 3)


def test_a_damaged_file_is_named_and_what_was_fitted_stays(fitted, query, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    before = fitted.predict_proba(query)
    with pytest.raises(ValueError, match=f"^{tmp_path / 'a.png'}: is not an image"):
        fitted.fit([*query[:1], tmp_path / "a.png"], [0, 1])
    np.testing.assert_array_equal(fitted.predict_proba(query), before)


def test_all_damaged_files_are_named(model, query, tmp_path):
    damaged = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for file in damaged:
        file.write_bytes(b"no image")
    named = "; ".join(f"{file}: is not an image" for file in damaged)
    with pytest.raises(UserError, match=f"^3 images cannot be read: {named}; delete or replace"):
        list(batches("images", [damaged[0], *query[:2], *damaged[1:]], (8, 8), batch_size=2))


def test_files_and_models_may_be_in_the_home(folder, support, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").symlink_to(folder)
    Image.fromarray(support[0]).save(tmp_path / "a.png")
    classifier = sib_tf.load("~/model")
    np.testing.assert_array_equal(
        classifier.classify(support, NAMES, ["~/a.png"]).probabilities,
        classifier.classify(support, NAMES, support[:1]).probabilities,
    )


def test_a_folder_without_a_model_is_refused_when_it_is_loaded(tmp_path):
    with pytest.raises(ValueError, match=f"^{tmp_path}/absent: no such model folder"):
        sib_tf.load(tmp_path / "absent")


def test_the_code_of_the_readme(folder, tmp_path, monkeypatch, capsys):
    section = README.read_text().partition("\n## In Python\n")[2].partition("\n## ")[0]
    code = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    names = ("tom", "felix", "rex", "fido", "unknown", "another")
    pets = [COLOURS[name] for name in ("red", "red", "blue", "blue", "blue", "red")]
    for name, image in zip(names, noisy(pets, seed=3, size=20), strict=True):
        Image.fromarray(image).save(tmp_path / f"{name}.jpg")
    exported = tmp_path / "work/photographs/export"
    exported.mkdir(parents=True)
    (exported / "photographs").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    exec("".join(code), {})
    assert capsys.readouterr().out.startswith("['dog' 'cat']")
    assert len(code) == 2
