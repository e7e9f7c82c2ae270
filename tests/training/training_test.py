"""The batches of meta-training, and runs of several steps in one program."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier
from sib_tf.base.errors import UserError
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.batches import episode_batches, training_batches
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.training import meta_training

VIEWS, IMAGES = 3, 8
# The feature of image i in view v is 100 v + i, which identifies both.
FEATURES = FeatureTable(
    (100 * np.arange(VIEWS)[:, None, None] + np.arange(IMAGES)[:, None]).astype(np.float32),
    np.repeat([0, 1], 4),
)
# Five episodes, 2-way 1-shot with 4 queries.
EPISODES = EpisodeTable(
    classes=np.tile(np.int32([0, 1]), (5, 1)),
    support_ids=np.int32([[0, 4], [1, 5], [2, 6], [3, 7], [0, 7]]),
    support_labels=np.tile(np.int32([0, 1]), (5, 1)),
    query_ids=np.int32([[1, 2, 5, 6], [0, 2, 4, 6], [0, 1, 4, 5], [0, 1, 4, 5], [1, 2, 4, 5]]),
    query_labels=np.tile(np.int32([0, 0, 1, 1]), (5, 1)),
)
SHAPE = {"steps_per_call": 2, "episodes_per_step": 2, "seed": 0}


def take(count, **kwargs):
    batches = training_batches(FEATURES, EPISODES, **{**SHAPE, **kwargs})
    return [tf.nest.map_structure(np.asarray, batch) for batch in batches.take(count)]


def test_episodes_come_in_their_order_and_begin_again_after_the_last():
    # Two runs of 2 x 2: episodes 0 1 2 3, then 4 and from the beginning 0 1 2.
    for (inputs, labels), chosen in zip(take(2), ([0, 1, 2, 3], [4, 0, 1, 2]), strict=True):
        assert inputs["support_features"].shape == (2, 2, 2, 1)
        assert inputs["query_features"].shape == (2, 2, 4, 1)
        for part, ids in (("support", EPISODES.support_ids), ("query", EPISODES.query_ids)):
            images = inputs[f"{part}_features"].reshape(4, -1) % 100
            np.testing.assert_array_equal(images, ids[chosen])
        np.testing.assert_array_equal(
            inputs["support_labels"].reshape(4, -1), EPISODES.support_labels[chosen]
        )
        np.testing.assert_array_equal(labels.reshape(4, -1), EPISODES.query_labels[chosen])


def test_each_use_draws_among_all_views():
    views = np.stack([inputs["query_features"] // 100 for inputs, _ in take(30)]).ravel()
    counts = np.bincount(views.astype(int), minlength=VIEWS)
    assert len(counts) == VIEWS
    # 30 * 4 * 4 = 480 uses, a third of them each: 160, with a standard deviation of 10.3.
    assert np.abs(counts - 160).max() < 50
    inputs, _ = take(1)[0]
    parts = [inputs[f"{part}_features"].ravel()[:8] // 100 for part in ("support", "query")]
    assert (parts[0] != parts[1]).any()


def test_another_seed_draws_other_views():
    one, other = (take(1, seed=seed)[0][0]["query_features"] for seed in (0, 1))
    assert (one != other).any()


def test_runs_from_a_later_step_continue_the_earlier_ones():
    whole, late = take(5), take(2, first_step=6)
    tf.nest.map_structure(np.testing.assert_array_equal, whole[3:], late)


def noise_of(runs):
    """What was added to unit features of 10,000 numbers, by episode: [E, S + Q, D]."""
    dim, found = 10_000, []
    rows = np.random.default_rng(0).normal(size=(1, IMAGES, dim)).astype(np.float32)
    table = FeatureTable(rows, FEATURES.labels)
    unit = rows[0] / np.linalg.norm(rows[0], axis=-1, keepdims=True)
    batches = training_batches(table, EPISODES, **SHAPE, feature_noise=1.1)
    for run, (inputs, _) in enumerate(batches.take(runs)):
        chosen = np.arange(4 * run, 4 * run + 4) % len(EPISODES)
        ids = np.concatenate([EPISODES.support_ids, EPISODES.query_ids], axis=1)[chosen]
        parts = [np.reshape(inputs[f"{p}_features"], (4, -1, dim)) for p in ("support", "query")]
        found.append(np.concatenate(parts, axis=1) - unit[ids])
    return np.concatenate(found)


def test_noise_has_one_length_in_an_episode_and_every_length_up_to_the_largest():
    noise = noise_of(runs=50)
    lengths = np.linalg.norm(noise, axis=-1)
    # The length of 10,000 normal numbers of variance 1 / 10,000 is 1 with a deviation of 0.007.
    assert np.ptp(lengths / lengths.mean(axis=1, keepdims=True)) < 0.08
    # Of 200 numbers that are uniform in 0 .. 1.1 the mean is 0.55 with a deviation of 0.022.
    assert lengths.mean(axis=1).mean() == pytest.approx(0.55, abs=0.09)
    assert lengths.mean(axis=1).min() < 0.1
    assert 1.0 < lengths.mean(axis=1).max() < 1.11


def test_noise_of_two_images_has_nothing_in_common():
    (noise,) = noise_of(runs=1)[:1]
    unit = noise / np.linalg.norm(noise, axis=-1, keepdims=True)
    cosines = unit @ unit.T - np.eye(len(unit))
    assert np.abs(cosines).max() < 0.06  # deviation 0.01


def test_noise_is_a_function_of_seed_and_step():
    whole, late = take(5, feature_noise=1.0), take(2, feature_noise=1.0, first_step=6)
    tf.nest.map_structure(np.testing.assert_array_equal, whole[3:], late)
    other = take(1, feature_noise=1.0, seed=1)[0][0]["query_features"]
    assert (whole[0][0]["query_features"] != other).all()
    assert (whole[0][0]["query_features"] != whole[1][0]["query_features"]).all()


def test_evaluation_sees_each_episode_once_in_the_first_view():
    batches = list(episode_batches(FEATURES, EPISODES, batch_size=2))
    queries = np.concatenate([inputs["query_features"] for inputs, _ in batches])
    np.testing.assert_array_equal(queries[..., 0], EPISODES.query_ids)
    support = np.concatenate([inputs["support_features"] for inputs, _ in batches])
    np.testing.assert_array_equal(support[..., 0], EPISODES.support_ids)
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(labels, EPISODES.query_labels)
    assert [len(labels) for _, labels in batches] == [2, 2, 1]


def make_settings(**fields):
    return meta_training.Settings(
        **{"steps": 20, "steps_per_epoch": 10, "steps_per_call": 5}
        | {"learning_rate": 0.05, "l2": 5e-4}
        | fields
    )


def make_model():
    keras.utils.set_random_seed(0)
    return FewShotClassifier(2, 3, num_steps=1, step_size=0.1)


@pytest.fixture
def float64():
    # Keras derives the policy from floatx on first use, possibly in an earlier test.
    _set_precision("float64")
    yield
    _set_precision("float32")


def _set_precision(dtype):
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


@pytest.mark.slow
def test_a_run_of_steps_equals_ordinary_steps(float64):
    # XLA rounds in another order, which in float32 a normalisation over four queries amplifies.
    rng = np.random.default_rng(0)
    features = FeatureTable(rng.normal(size=(2, IMAGES, 3)).astype(np.float32), FEATURES.labels)
    runs = training_batches(features, EPISODES, **{**SHAPE, "steps_per_call": 6})
    inputs, labels = next(iter(runs))

    together = meta_training.compiled(make_model(), make_settings())
    history = together.fit(runs, steps_per_epoch=1, shuffle=False, verbose=0).history

    alone = make_model()
    before = [np.copy(w) for w in alone.get_weights()]
    alone.compile(together.optimizer.from_config(together.optimizer.get_config()), together.loss)
    losses = []
    for step in range(6):
        one = {name: values[step] for name, values in inputs.items()}
        alone.reset_metrics()
        losses.append(alone.train_on_batch(one, labels[step]))
    assert history["loss"][0] == pytest.approx(np.mean(losses), rel=1e-6)
    assert together.optimizer.iterations.numpy() == 6
    for run, steps, start in zip(
        together.task.get_weights(), alone.get_weights(), before, strict=True
    ):
        # Keras computes schedules in float32.
        np.testing.assert_allclose(run, steps, rtol=1e-6, atol=1e-12)
        assert np.abs(run - start).max() > 1e-5


@pytest.mark.slow
def test_a_saved_trainer_predicts_the_same_and_trains_on(tmp_path):
    rng = np.random.default_rng(0)
    features = FeatureTable(rng.normal(size=(2, IMAGES, 3)).astype(np.float32), FEATURES.labels)
    runs = training_batches(features, EPISODES, **SHAPE)
    model = meta_training.compiled(make_model(), make_settings())
    model.fit(runs, steps_per_epoch=1, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, meta_training.StepsInOneProgram)
    inputs, _ = next(iter(episode_batches(features, EPISODES, batch_size=5)))
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    for each in (model, loaded):
        each.fit(runs, steps_per_epoch=1, shuffle=False, verbose=0)
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": 15}, r"^steps=15 must be a multiple of steps_per_epoch=10"),
        ({"steps_per_call": 3}, r"^steps_per_epoch=10 must be a multiple of steps_per_call=3"),
        ({"steps": 0}, r"^steps=0 must be at least 1"),
        ({"steps_per_call": 0}, r"^steps_per_call=0 must be at least 1"),
        ({"episodes_per_step": -1}, r"^episodes_per_step=-1 must be at least 1"),
        ({"learning_rate": float("nan")}, r"^learning_rate=nan must be positive"),
    ],
)
def test_invalid_settings_are_refused(fields, words):
    with pytest.raises(UserError, match=words):
        make_settings(**fields)


@pytest.mark.slow
def test_a_non_finite_loss_names_the_rates_and_keeps_nothing(tmp_path):
    features = FeatureTable(np.ones((1, IMAGES, 3), np.float32), FEATURES.labels)
    with pytest.raises(UserError, match=r"config\.meta\.learning_rate or config\.meta\.step_size"):
        meta_training.train(
            tmp_path,
            make_model(),
            make_settings(learning_rate=1e30),
            batches=lambda first_step: training_batches(
                features, EPISODES, **{**SHAPE, "steps_per_call": 5}, first_step=first_step
            ),
            validation=episode_batches(features, EPISODES, batch_size=5),
        )
    assert not (tmp_path / meta_training.MODEL).exists()
    assert not list((tmp_path / "checkpoints").glob("ckpt*"))
