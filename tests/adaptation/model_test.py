"""The zero-shot classifier: where it starts, and what its answers may not depend on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf.adaptation.model import ZeroShotClassifier
from sib_tf.base.errors import UserError

WAY, DIM, QUERIES = 3, 8, 6


def make_model(**changes):
    keras.utils.set_random_seed(0)
    arguments = {"num_steps": 2, "step_size": 0.05, "rotation_step_size": 0.5, **changes}
    model = ZeroShotClassifier(WAY, DIM, dtype="float64", **arguments)
    rng = np.random.default_rng(1)
    for part in (model.initialization.theta, model.initialization.turns, model.anchors):
        part.assign(rng.normal(size=part.shape))
    return model


@pytest.fixture
def features():
    return np.random.default_rng(2).normal(size=(2, QUERIES, 4, DIM))


@pytest.fixture(params=["dense", "set", "general"])
def model(request):
    return make_model(synthetic_gradient=request.param)


def answers(model, features, **inputs):
    return model({"features": tf.constant(features), **inputs}).numpy()


@pytest.mark.parametrize("xi", ["dense", "set", "general"])
def test_without_any_step_theta_is_lambda(features, xi):
    model = make_model(rotation_step_size=0.0, synthetic_gradient=xi)
    (theta,) = model.theta_path({"features": tf.constant(features)}, num_steps=0)
    start = model.initialization.theta.numpy()
    np.testing.assert_array_equal(theta, np.repeat(start, 2, axis=0))
    unit = features[:, :, 0] / np.linalg.norm(features[:, :, 0], axis=-1, keepdims=True)
    expected = 10 * unit @ (start[0] / np.linalg.norm(start[0], axis=-1, keepdims=True)).T
    path = model.logits_path({"features": tf.constant(features)}, num_steps=0)
    np.testing.assert_allclose(path, expected[np.newaxis])


def test_the_rotation_step_and_xi_both_move_theta(model, features):
    path = model.theta_path({"features": tf.constant(features)}, num_steps=1)
    start = model.initialization.theta.numpy()
    assert not np.allclose(path[0], start)
    assert not np.allclose(path[1], path[0])
    assert not np.allclose(path[0][0], path[0][1])  # it is that of the images


def test_permuting_the_images_permutes_the_answers(model, features):
    order = np.random.default_rng(3).permutation(QUERIES)
    np.testing.assert_allclose(
        answers(model, features[:, order]), answers(model, features)[:, order], rtol=1e-9
    )


def test_minibatches_of_a_batch_do_not_meet(model, features):
    together = answers(model, features)
    for number in range(2):
        alone = answers(model, features[number : number + 1])
        np.testing.assert_allclose(alone[0], together[number], rtol=1e-9)


def test_padding_takes_no_part(model, features):
    padded = np.concatenate([features, 5 + features[:, :2]], axis=1)
    mask = tf.constant([[True] * QUERIES + [False] * 2] * 2)
    np.testing.assert_allclose(
        answers(model, padded, query_mask=mask)[:, :QUERIES], answers(model, features), rtol=1e-9
    )


def test_each_minibatch_starts_from_what_belongs_to_its_network(features):
    several = make_model(starts=2, synthetic_gradient="general")
    for number in range(2):
        single = make_model(synthetic_gradient="general")
        single.xi.set_weights(several.xi.get_weights())
        for part in ("theta", "turns"):
            of_number = getattr(several.initialization, part)[number : number + 1]
            getattr(single.initialization, part).assign(of_number)
        single.anchors.assign(several.anchors[number : number + 1])
        start = tf.constant([number, number])
        np.testing.assert_allclose(
            answers(several, features, start=start), answers(single, features), rtol=1e-9
        )


def test_only_what_the_loss_depends_on_is_trained():
    plain = make_model(num_steps=0, rotation_step_size=0.0)
    assert {variable.name for variable in plain.trainable_variables} == {"theta", "scale", "bias"}
    frozen = make_model(learned_start=False)
    assert "theta" not in {variable.name for variable in frozen.trainable_variables}
    whole = {variable.name for variable in make_model().trainable_variables}
    assert {"theta", "turns", "scale", "bias", "kernel"} <= whole
    assert "anchors" not in whole


def test_a_saved_model_answers_the_same(model, features, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(answers(loaded, features), answers(model, features))


def test_an_unknown_xi_is_named():
    with pytest.raises(UserError, match='synthetic_gradient="sparse" is unknown'):
        make_model(synthetic_gradient="sparse")
