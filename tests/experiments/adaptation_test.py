"""Zero-shot experiments: from raw images to a served model, and what is refused."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import glyphs, pacs
from sib_tf.adaptation import start
from sib_tf.base.errors import UserError
from sib_tf.datasets.pacs import small_raw_files
from sib_tf.datasets.pacs.lists import CLASSES, DOMAINS
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute, execute_all
from sib_tf.experiments.options import Options
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict.prediction import classify_unlabelled
from sib_tf.serving.zero_shot.exported_model import ZeroShotModel
from tests.experiments import small_adaptation

PHI = "art_painting-cartoon-photo"
MODEL = "export/pacs_sketch"


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return small_raw_files.write_raw_files(tmp_path_factory.mktemp("raw"), size=20)


@pytest.mark.parametrize("target", DOMAINS)
def test_the_argument_selects_the_target(target):
    config = pacs.get_config(f"target={target}")
    others = families.read(config).domains.labelled(DOMAINS)
    assert {*others, target} == {*DOMAINS}
    assert target not in others
    assert config.export.name == f"pacs_{target}"


def test_a_labelled_domain_can_take_the_place_of_the_target():
    config = families.read(pacs.get_config("target=cartoon,left_out=sketch"))
    assert config.domains.labelled(config.data.domains) == ("art_painting", "photo")


@pytest.mark.parametrize("left_out", ["scetch", "cartoon"])
def test_a_domain_that_cannot_be_left_out_is_named(left_out):
    """Else a misspelt one would be trained on, by its labels."""
    message = f'^left_out="{left_out}" is none of the other domains: use art_painting, photo, sk'
    with pytest.raises(UserError, match=message):
        pacs.get_config(f"target=cartoon,left_out={left_out}")


def test_no_phi_depends_on_the_target():
    """So that targets share what they can, and no label of one gets into its phi."""
    config = families.read(pacs.get_config("target=sketch"))
    for step in families.steps(pacs.get_config("target=sketch")):
        if step.name in ("pretrain", "embed"):
            assert "domains" not in config.record(step.all_reads())
        if step.name in ("pretrain", "train"):
            assert not any("sketch" in earlier.folder for earlier in step.requires)


def test_leaving_domains_out_trains_a_phi_without_each():
    config = pacs.get_config("target=sketch")
    config.meta.leave_one_out = True
    steps = families.steps(config)
    folders = [step.folder for step in steps]
    assert len(set(folders)) == len(folders)
    assert [step.folder for step in steps if step.name == "pretrain"] == [
        f"backbone/{PHI}",
        "backbone/cartoon-photo",
        "backbone/art_painting-photo",
        "backbone/art_painting-cartoon",
    ]
    (train, *_) = [step for step in steps if step.name == "train"]
    assert "features/cartoon-photo/art_painting_train" in [one.folder for one in train.requires]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data.name": "glyphs"}, r'config\.data\.name="glyphs" has no domains of the same'),
        ({"data.image_size": None}, r"config\.data\.image_size is missing: phi needs images of on"),
        ({"data.image_size": 100}, r"config\.phi\.crop_size=128 is more than the 100 pixels"),
        (
            {"domains.target": "clipart"},
            r'config\.domains\.target="clipart" is no domain: use art_painting, cartoon, photo, sk',
        ),
        ({"domains.sources": ("clipart",)}, r'config\.domains\.sources="clipart" is no domain'),
        ({"domains.sources": ("sketch",)}, r"config\.domains\.sources=\['sketch'\] has the target"),
        (
            {"domains.sources": ("photo", "photo")},
            r"config\.domains\.sources=\['photo', 'photo'\] names a domain twice",
        ),
        (
            {"domains.sources": ("photo",), "meta.leave_one_out": True},
            r"config\.meta\.leave_one_out needs two labelled domains",
        ),
        ({"phi.epochs": 0}, r"config\.phi\.epochs=0 must be at least 1"),
        ({"phi.turned": 1.0}, r"config\.phi\.turned=1\.0 leaves no image upright"),
        ({"phi.rotation_weight": -1.0}, r"config\.phi\.rotation_weight=-1\.0 must be at least 0"),
        ({"phi.backbone": "vit"}, r'config\.phi\.backbone="vit" is unknown'),
        ({"features.views": 0}, r"config\.features\.views=0 must be at least 1"),
        ({"minibatches.images": 1}, r"config\.minibatches\.images=1 must be at least 2"),
        ({"meta.num_steps": 0}, r"config\.meta\.num_steps=0 must be at least 1"),
        ({"meta.rotation_step_size": -1.0}, r"config\.meta\.rotation_step_size=-1\.0 must be at"),
        ({"meta.start": "zeros"}, r'config\.meta\.start="zeros" is unknown: use "classifier" or'),
        ({"eval.variants": ()}, r"config\.eval\.variants=\[\] must end in one that takes steps"),
        ({"eval.variants": ("plain",)}, r"config\.eval\.variants=\['plain'\] must end in one"),
        ({"eval.variants": ("sib",)}, r'config\.eval\.variants="sib" is unknown: use "plain"'),
        ({"eval.num_steps": 2}, r"config\.eval\.num_steps=2 must be at least .*num_steps=3"),
    ],
)
def test_a_bad_field_is_named(fields, words):
    config = pacs.get_config()
    config.data.image_size = 136
    with config.ignore_type():
        config.update_from_flattened_dict(fields)
    with pytest.raises(UserError, match=f"^{words}"):
        families.read(config)


def test_a_few_shot_experiment_needs_classes_of_its_own():
    config = glyphs.get_config("tiny")
    config.data = {"name": "pacs"}
    with pytest.raises(UserError, match=r'config\.data\.name="pacs" has no splits of different'):
        families.read(config)


def test_weights_of_a_few_shot_classifier_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"--weights is for few-shot classification"):
        families.steps(pacs.get_config(), Options(weights=tmp_path))


def test_a_minibatch_larger_than_a_domain_is_refused_with_the_data(tmp_path):
    config = small_adaptation.config(small_raw_files.write_raw_files(tmp_path / "raw", size=20))
    config.minibatches.images = 22  # 21 of each domain are for training
    data, *_ = families.steps(config)
    with pytest.raises(UserError, match=r"images=22 is more than the 21 images of art_painting_tr"):
        execute(data, families.read(config), tmp_path / "work")
    assert not (tmp_path / "work/data").exists()


def test_a_minibatch_that_has_grown_is_refused_too(raw, tmp_path):
    config = small_adaptation.config(raw)
    data, minibatches, *_ = families.steps(config)
    execute(data, families.read(config), tmp_path)
    config.minibatches.images = 22
    with pytest.raises(UserError, match=r"images=22 is more than the 21 images of art_painting_tr"):
        execute(minibatches, families.read(config), tmp_path)


@pytest.fixture(scope="module")
def work(raw, tmp_path_factory):
    """The working directory of a finished experiment."""
    folder = tmp_path_factory.mktemp("work")
    config = small_adaptation.config(raw)
    execute_all(families.steps(config), families.read(config), folder)
    return folder


def weights(file):
    return keras.saving.load_model(file).get_weights()


@pytest.mark.slow
def test_no_label_of_the_target_reaches_the_training(raw, work, tmp_path):
    """Each class of the target gets the images of another, and all that is learned is the same."""
    scrambled = shutil.copytree(raw, tmp_path / "raw")
    sketches = scrambled / "PACS/kfold/sketch"
    for name in CLASSES:
        (sketches / name).rename(sketches / f"was_{name}")
    for name, other in zip(CLASSES, (*CLASSES[1:], CLASSES[0]), strict=True):
        (sketches / f"was_{name}").rename(sketches / other)
    config = small_adaptation.config(scrambled)
    config.eval.variants = ("rotation",)
    for step in families.steps(config):
        if step.name not in ("evaluate", "export", "predict"):
            execute(step, families.read(config), tmp_path / "work")
    for file in (f"backbone/{PHI}/backbone.keras", "model/rotation/model.keras"):
        for found, expected in zip(
            weights(tmp_path / "work" / file), weights(work / file), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
    found, expected = (start.read(one / "backbone" / PHI) for one in (tmp_path / "work", work))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    # By their accuracy on validation the best epoch is chosen; here there is but one.
    for file in (f"backbone/{PHI}/curves.json", "model/rotation/curves.json"):
        assert (tmp_path / "work" / file).read_text() == (work / file).read_text()


@pytest.mark.slow
def test_the_report_has_a_row_for_each_method_and_step(work):
    report = json.loads((work / "evaluation/report.json").read_text())
    found = [(row["method"], row["num_steps"]) for row in report["results"]]
    assert found == [
        *((method, 0) for method in ("source_only", "batch_statistics", "plain")),
        *((method, k) for method in ("rotation", "transferred_rotation") for k in range(3)),
    ]
    assert (report["target"], report["images"]) == ("sketch", 28)
    for k, counts in report["confusion"].items():
        assert np.sum(counts) == 28
        (accuracy,) = (
            row["accuracy"]
            for row in report["results"]
            if (row["method"], row["num_steps"]) == (report["exported"], int(k))
        )
        assert np.trace(counts) / 28 == pytest.approx(accuracy)
    page = (work / "evaluation/report.html").read_text()
    assert "SIB-Rot" in page
    assert "AdaBN" in page
    assert page.count("<figure>") >= 3
    assert "by SIB-Rot, xi trained elsewhere, before the first synthetic-gradient step" in page


@pytest.mark.slow
def test_the_report_and_the_card_have_the_step_size_of_the_exported_model(work):
    """It is that of the head that xi comes from, not `config.meta.step_size`."""
    assert json.loads((work / "evaluation/report.json").read_text())["step_size"] == 0.075
    card = (work / MODEL / "1/assets.extra/model_card.md").read_text()
    assert "steps of size 0.075 on the images" in card


@pytest.mark.slow
def test_a_transferred_head_starts_from_class_means_with_a_xi_of_its_own(work):
    model = keras.saving.load_model(work / "model/transferred_rotation/model.keras")
    head = keras.saving.load_model(small_adaptation.config("").model.file)
    for found, expected in zip(model.xi.get_weights(), head.xi.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    anchors = start.read(work / "backbone" / PHI).anchors
    np.testing.assert_array_equal(model.initialization.theta[0], anchors)
    assert (model.num_steps, model.step_size) == (1, head.step_size)


def test_a_head_tied_to_its_classes_is_refused(tmp_path):
    config = small_adaptation.config("")
    config.model.file = "results/cifar_fs_conv4_64/1shot-seed0/model.keras"
    (step,) = (one for one in families.steps(config) if one.folder == "model/transferred_rotation")
    with pytest.raises(UserError, match=r"config\.model\.file=.* for one number of classes: name"):
        execute(dataclasses.replace(step, requires=()), families.read(config), tmp_path)


@pytest.mark.slow
def test_the_served_model_says_what_the_trained_one_says(work, raw):
    signatures = tf.saved_model.load(str(work / MODEL / "1")).signatures
    files = sorted((raw / "PACS/kfold/sketch").rglob("*.png"))[:6]
    model = ZeroShotModel(work / MODEL)
    images = np.random.default_rng(0).integers(1, 256, (2, 6, 18, 18, 3)).astype(np.uint8)
    found = signatures["serving_default"](images=tf.constant(images))
    assert found["probabilities"].shape == (2, 6, 7)
    np.testing.assert_array_equal(found["labels"], np.argmax(found["probabilities"], axis=-1))
    trained = keras.saving.load_model(work / "model/transferred_rotation/model.keras").for_serving()
    features = model.features(images.reshape(-1, 18, 18, 3)).reshape(2, 6, 4, -1)
    path = tf.nn.softmax(trained.logits_path({"features": tf.constant(features)}))
    np.testing.assert_allclose(found["probabilities"], path[-1], atol=1e-4)
    np.testing.assert_allclose(found["inductive_probabilities"], path[0], atol=1e-4)
    padded = np.concatenate([images, np.zeros_like(images[:, :2])], axis=1)
    again = signatures["serving_default"](images=tf.constant(padded))
    np.testing.assert_allclose(again["probabilities"][:, :6], found["probabilities"], atol=1e-4)
    encoded = tf.constant([[file.read_bytes() for file in files]])
    assert signatures["encoded"](images=encoded)["probabilities"].shape == (1, 6, 7)
    with pytest.raises(tf.errors.InvalidArgumentError, match="images"):
        signatures["serving_default"](images=tf.zeros([1, 2, 10, 10, 3], tf.uint8))


@pytest.mark.slow
def test_the_served_model_turns_no_integers(work):
    """On CPUs without AVX-512 TensorFlow would print an error."""
    embed = tf.saved_model.load(str(work / MODEL / "1")).signatures["embed"]
    nodes = (node for one in embed.graph.as_graph_def().library.function for node in one.node_def)
    types = {node.attr["T"].type for node in nodes if node.op == "Transpose"}
    assert types == {tf.float32.as_datatype_enum}


@pytest.mark.slow
def test_a_folder_is_classified_without_support(work, raw, tmp_path):
    sketches = raw / "PACS/kfold/sketch"
    (tmp_path / "images").mkdir()
    for file in sorted(sketches.rglob("*.png")):
        shutil.copy(file, tmp_path / "images" / f"{file.parent.name}_{file.name}")
    outcome = classify_unlabelled(
        ZeroShotModel(work / MODEL), tmp_path / "images", tmp_path / "answers"
    )
    lines = (tmp_path / "answers/predictions.csv").read_text().splitlines()
    assert len(lines) == 1 + 28
    assert all(name in lines[0] for name in CLASSES)
    assert "no image is labelled" in (tmp_path / "answers/predictions.html").read_text()
    assert set(outcome.labels) <= set(range(7))


@pytest.mark.slow
def test_each_kind_of_model_names_the_other(work, tmp_path):
    with pytest.raises(UserError, match="classifies without labelled images; leave out --supp"):
        ExportedModel(work / MODEL)
    shutil.copytree(work / MODEL / "1", tmp_path / "1")
    (tmp_path / "1/assets.extra/zero_shot.json").unlink()
    with pytest.raises(UserError, match="with the help of labelled images; give some by --supp"):
        ZeroShotModel(tmp_path)
