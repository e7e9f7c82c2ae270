import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from sib_tf.backbones import registry
from sib_tf.backbones.feature_network import embed
from sib_tf.base.errors import UserError
from sib_tf.training import pretraining
from sib_tf.training.base_classifier import BaseClassifier
from sib_tf.training.image_batches import training_batches
from tests.training.small_training import IMAGES, LABELS, SEED, SETTINGS, train


def batches_of(settings, images, labels, **part):
    return training_batches(
        images,
        labels,
        batch_size=settings.batch_size,
        augmentation=settings.augmentation(images.shape[1]),
        seed=SEED,
        **part,
    )


def run(folder, settings=SETTINGS, seed=SEED):
    train(folder, settings, seed=seed)
    model = tf.keras.models.load_model(folder / pretraining.BACKBONE)
    return [w.tobytes() for w in model.get_weights()]


@pytest.mark.slow
def test_an_interrupted_training_resumes_to_the_same_bits(tmp_path, monkeypatch):
    expected = run(tmp_path / "whole")
    save = pretraining.Resume.on_epoch_end

    def save_and_die(self, epoch, logs=None):
        save(self, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pretraining.Resume, "on_epoch_end", save_and_die)
        run(tmp_path / "broken")
    assert run(tmp_path / "broken") == expected
    whole, broken = (
        json.loads((tmp_path / f / "curves.json").read_text()) for f in ("whole", "broken")
    )
    assert whole == broken
    assert whole["epoch"] == [1, 2]


@pytest.mark.slow
def test_another_seed_gives_other_weights(tmp_path):
    assert run(tmp_path / "a") != run(tmp_path / "b", seed=4)


def test_an_epoch_visits_every_image_once_and_the_next_in_another_order():
    still = {"crop_padding": 0, "flip": False, "color_jitter": 0.0}
    plain = dataclasses.replace(SETTINGS, **still, batch_size=9)
    batches = list(batches_of(plain, IMAGES, LABELS).take(8))
    images = np.concatenate([b[0] for b in batches]).astype(np.uint8).reshape(2, 36, -1)
    stored = {image.tobytes(): n for n, image in enumerate(IMAGES)}
    orders = [[stored[image.tobytes()] for image in epoch] for epoch in images]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(36))
    assert orders[0] != orders[1]
    labels = np.concatenate([b[1] for b in batches])
    np.testing.assert_array_equal(labels, LABELS[np.concatenate(orders)])


def test_batches_from_a_later_step_continue_the_earlier_ones():
    whole = list(batches_of(SETTINGS, IMAGES, LABELS).take(6))
    late = list(batches_of(SETTINGS, IMAGES, LABELS, first_step=4).take(2))
    for one, other in zip(whole[4:], late, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_workers_make_the_parts_of_a_batch():
    whole = next(iter(batches_of(SETTINGS, IMAGES, LABELS)))
    parts = [
        next(iter(batches_of(SETTINGS, IMAGES, LABELS, part=part, parts=4))) for part in range(4)
    ]
    assert [len(labels) for _, labels in parts] == [2, 2, 2, 2]
    for one, others in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(one, np.concatenate(others))


def phi_for(images, settings=SETTINGS):
    """A fresh phi for these images."""
    return pretraining.compiled(settings, images, num_classes=3).phi


def test_features_do_not_depend_on_the_batch_they_are_computed_in():
    phi = phi_for(IMAGES)
    together = embed(phi, IMAGES)
    alone = np.concatenate([embed(phi, IMAGES[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(together[:5], alone, atol=1e-5)


def test_standardisation_uses_the_channel_statistics_of_the_training_images():
    phi = phi_for(IMAGES)
    normalised = phi.layers[1](phi.layers[0](IMAGES))
    np.testing.assert_allclose(np.mean(normalised, axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(np.std(normalised, axis=(0, 1, 2)), 1, atol=1e-4)


def test_phi_crops_the_centre_of_an_image():
    framed = np.random.default_rng(1).integers(0, 256, (36, 24, 24, 3), np.uint8)
    framed[:, 4:20, 4:20] = IMAGES
    phi = phi_for(framed)
    np.testing.assert_array_equal(phi.layers[0](framed), IMAGES)
    assert phi(framed).shape == (36, 4)


def test_a_crop_larger_than_the_images_is_refused():
    with pytest.raises(UserError, match="crop_size=17 is more than the 16 pixels"):
        phi_for(IMAGES, dataclasses.replace(SETTINGS, crop_size=17))


@pytest.mark.slow
def test_a_non_finite_loss_names_the_rate_and_keeps_nothing(tmp_path):
    with pytest.raises(UserError, match=r"diverged: loss is nan.*config\.phi\.learning_rate"):
        run(tmp_path, dataclasses.replace(SETTINGS, learning_rate=1e30, warmup_steps=0))
    assert not list((tmp_path / "checkpoints").glob("ckpt*"))


def test_a_warm_up_as_long_as_training_is_refused(tmp_path):
    # 36 images make 4 batches of 8, so 2 epochs have 8 steps.
    with pytest.raises(UserError, match=r"phi\.warmup_steps=8 leaves none of the 8 steps"):
        run(tmp_path, dataclasses.replace(SETTINGS, warmup_steps=8))


@pytest.mark.slow
def test_a_saved_classifier_predicts_the_same_and_trains_on(tmp_path):
    model = pretraining.compiled(SETTINGS, IMAGES, num_classes=3)
    batches = batches_of(SETTINGS, IMAGES, np.repeat([0, 1, 2], 12))
    model.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, BaseClassifier)
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))
    for each in (model, loaded):
        each.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_without_epochs_phi_is_the_backbone_as_it_comes(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    settings = dataclasses.replace(
        SETTINGS,
        backbone="efficientnet_lite0",
        crop_size=32,
        epochs=0,
        flip=False,
        precision="mixed_bfloat16",  # of training only: the finished phi is float32
    )
    pretraining.take(tmp_path, settings, image_size=32)
    expected = registry.build("efficientnet_lite0", 32)((images - 127.0) / 128)
    found = embed(tf.keras.models.load_model(tmp_path / pretraining.BACKBONE), images)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"epochs": -1}, "epochs=-1 must be at least 0"),
        ({"epochs": 0}, 'epochs=0 leaves backbone="conv4_4" untrained: .* "efficientnet_lite0"'),
        ({"crop_size": -1}, "crop_size=-1 must be at least 0"),
        ({"warmup_steps": -1}, "warmup_steps=-1 must be at least 0"),
        ({"l2": float("inf")}, "l2=inf must be .*finite"),
        ({"learning_rate": 0.0}, r"learning_rate=0\.0 must be positive"),
        ({"average_shift": 16}, "average_shift=16 shifts .* less than crop_size=16"),
        ({"precision": "float16"}, 'precision="float16" is unknown: use float32 or mixed_bfloat16'),
        ({"backbone": "conv5_4"}, 'backbone="conv5_4" is unknown'),
        ({"crop_size": 15}, 'crop_size=15 is too small for backbone="conv4_4"'),
    ],
)
def test_invalid_settings_are_refused(fields, words):
    with pytest.raises(UserError, match=f"^{words}"):
        dataclasses.replace(SETTINGS, **fields)
