"""The head for episodes of any size: what it may depend on, and what it must not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier
from sib_tf.few_shot.settings import MetaSettings
from sib_tf.method.xi import neighbors

WAY, SHOT, QUERIES, DIM = 4, 3, 9, 6


def make_head(dim=DIM, **changes):
    """A head in float64 with weights that are not those of its start."""
    keras.utils.set_random_seed(0)
    arguments = {
        "way": None,
        "num_steps": 3,
        "step_size": 1.0,
        "synthetic_gradient": "general",
        "initialization": "class_means",
        "dtype": "float64",
    }
    head = FewShotClassifier(feature_dim=dim, **{**arguments, **changes})
    rng = np.random.default_rng(1)
    head.set_weights([w + rng.normal(scale=0.3, size=w.shape) for w in head.get_weights()])
    return head


def make_inputs(queries=QUERIES, dim=DIM, episodes=2):
    rng = np.random.default_rng([queries, dim])
    return {
        "support_features": rng.normal(size=(episodes, WAY * SHOT, dim)),
        "support_labels": np.stack(
            [rng.permutation(np.repeat(range(WAY), SHOT)) for _ in range(episodes)]
        ),
        "query_features": rng.normal(size=(episodes, queries, dim)),
    }


def classify(head, inputs, num_steps=3):
    return head.logits_path(inputs, num_steps).numpy()


def test_steps_change_the_answers():
    path = classify(make_head(), make_inputs())
    assert all(np.abs(path[k + 1] - path[k]).max() > 0.01 for k in range(3))


def test_one_query_alone_gets_the_answer_of_the_start():
    path = classify(make_head(), make_inputs(queries=1))
    np.testing.assert_array_equal(path, np.tile(path[:1], (4, 1, 1, 1)))


def test_permuted_queries_classes_and_support_permute_the_answers():
    head, inputs, rng = make_head(), make_inputs(), np.random.default_rng(2)
    queries, classes, support = (rng.permutation(n) for n in (QUERIES, WAY, WAY * SHOT))
    permuted = {
        "support_features": inputs["support_features"][:, support],
        "support_labels": np.argsort(classes)[inputs["support_labels"]][:, support],
        "query_features": inputs["query_features"][:, queries],
    }
    expected = classify(head, inputs)[:, :, queries][..., classes]
    np.testing.assert_allclose(classify(head, permuted), expected, atol=1e-9)


def test_an_episode_depends_on_no_other():
    head, inputs = make_head(), make_inputs()
    alone = {name: x[:1] for name, x in inputs.items()}
    np.testing.assert_allclose(classify(head, alone), classify(head, inputs)[:, :1], atol=1e-12)


def test_episodes_of_different_sizes_do_not_meet_in_a_batch():
    head = make_head()
    small, large = make_inputs(queries=4, episodes=1), make_inputs(episodes=1)
    small["support_features"] = small["support_features"][:, :7]
    small["support_labels"] = np.array([[0, 1, 2, 0, 1, 2, 2]])  # of three classes
    padded = {
        name: np.pad(x, [(0, 0), (0, large[name].shape[1] - x.shape[1]), *[(0, 0)] * (x.ndim - 2)])
        for name, x in small.items()
    }
    padded["support_labels"][:, 7:] = -1
    batch = {name: np.concatenate([padded[name], large[name]]) for name in large}
    batch["query_mask"] = np.arange(QUERIES) < np.array([[4], [QUERIES]])
    found = classify(head, batch)
    np.testing.assert_allclose(found[:, :1, :4, :3], classify(head, small), atol=1e-9)
    np.testing.assert_allclose(found[:, 1:], classify(head, large), atol=1e-9)


def test_an_episode_of_padding_alone_stays_at_its_start():
    path = classify(make_head(), {**make_inputs(), "query_mask": np.zeros((2, QUERIES), bool)})
    assert np.isfinite(path).all()
    np.testing.assert_array_equal(path, np.tile(path[:1], (4, 1, 1, 1)))


def test_a_served_copy_bounds_its_memory_and_gives_the_same_answers(monkeypatch):
    head, inputs = make_head(), make_inputs()
    expected = classify(head, inputs)
    rows = []  # of each block
    of_rows = neighbors._rows
    for limit in ("MOST_KEPT", "BLOCK"):
        monkeypatch.setattr(neighbors, limit, 2)
    monkeypatch.setattr(neighbors, "_rows", lambda *args: rows.append(1) or of_rows(*args))
    free = {name: tf.TensorSpec([None, None, *x.shape[2:]], x.dtype) for name, x in inputs.items()}
    served = head.for_serving()
    run = tf.function(lambda inputs: served.logits_path(inputs, 3), input_signature=[free])
    np.testing.assert_allclose(run(inputs), expected, atol=1e-4)  # blocks are float32
    assert len(rows) == 2 * 3  # both branches, in each of the three steps


def test_padding_of_queries_support_and_classes_changes_nothing():
    head, inputs, rng = make_head(), make_inputs(), np.random.default_rng(3)
    padded = {
        "support_features": np.concatenate(
            [inputs["support_features"], rng.normal(size=(2, 5, DIM))], axis=1
        ),
        "support_labels": np.pad(inputs["support_labels"], ((0, 0), (0, 5)), constant_values=-1),
        "query_features": np.concatenate(
            [inputs["query_features"], rng.normal(size=(2, 7, DIM))], axis=1
        ),
        "query_mask": np.arange(QUERIES + 7)[np.newaxis].repeat(2, axis=0) < QUERIES,
        "class_mask": np.arange(WAY + 3)[np.newaxis].repeat(2, axis=0) < WAY,
    }
    found = classify(head, padded)
    np.testing.assert_allclose(found[:, :, :QUERIES, :WAY], classify(head, inputs), atol=1e-9)
    assert (tf.nn.softmax(found[..., WAY:]).shape[-1], found[..., WAY:].max()) == (3, -1e9)


def test_xla_compiles_it_for_any_way():
    head, inputs = make_head(), make_inputs()
    masked = {**inputs, "class_mask": np.ones((2, WAY), bool)}
    run = tf.function(lambda inputs: head.logits_path(inputs, 3), jit_compile=True)
    found = run(tf.nest.map_structure(tf.constant, masked)).numpy()
    np.testing.assert_allclose(found, classify(head, inputs), atol=1e-9)


def test_with_many_queries_a_step_is_a_mean():
    # Each query a hundred times over tells nothing new but that a query is not alone, and the
    # number itself, which the network is told.
    head = make_head()
    norms = (head.xi.perceptron.norm1, head.xi.perceptron.norm2)
    by_size = [weight for norm in norms for weight in (norm.gamma_by, norm.beta_by)]
    for weight in (*by_size, head.xi.strengths.kernel):
        weight.assign(tf.zeros_like(weight))
    inputs = make_inputs(episodes=1)
    once, often = (
        {**inputs, "query_features": np.repeat(inputs["query_features"], n, axis=1)}
        for n in (50, 100)
    )
    np.testing.assert_allclose(
        classify(head, often)[:, :, ::100], classify(head, once)[:, :, ::50], rtol=0.05, atol=0.02
    )


@pytest.mark.parametrize("name", ["gamma_by", "beta_by"])
@pytest.mark.parametrize("norm", ["norm1", "norm2"])
def test_the_size_of_an_episode_reaches_the_network(name, norm):
    head, inputs = make_head(), make_inputs()
    before = classify(head, inputs)
    weight = getattr(getattr(head.xi.perceptron, norm), name)
    weight.assign(tf.zeros_like(weight))
    after = classify(head, inputs)
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[1] - before[1]).max() > 1e-3


def test_the_support_gradient_is_that_of_its_cross_entropy():
    # Without the network, one step descends the mean cross-entropy of the support.
    head, inputs = make_head(num_steps=1), make_inputs()
    head.xi.perceptron.dense3.kernel.assign(tf.zeros_like(head.xi.perceptron.dense3.kernel))
    head.xi.perceptron.dense3.bias.assign([0.0])
    start, after = head.theta_path(inputs, 1)
    with tf.GradientTape() as tape:
        tape.watch(start)
        logits = head.decoder(inputs["support_features"], start)
        losses = tf.keras.losses.sparse_categorical_crossentropy(
            inputs["support_labels"], logits, from_logits=True
        )
        loss = tf.reduce_sum(tf.reduce_mean(losses, axis=1))
    gradient = tape.gradient(loss, start)
    sizes = np.log([QUERIES, WAY, SHOT]) / [3, 1, 1] - [1, 1.5, 0.5]
    strength = np.exp(sizes @ head.xi.strengths.kernel.numpy() + head.xi.strengths.bias.numpy())[1]
    rate = (QUERIES - 1) / QUERIES * strength
    np.testing.assert_allclose(after, start - rate * gradient, atol=1e-12)


def test_no_weight_depends_on_the_features():
    one, other = (make_head(dim) for dim in (DIM, 11))
    assert [w.shape for w in one.weights] == [w.shape for w in other.weights]
    other.set_weights(one.get_weights())
    assert classify(other, make_inputs(dim=11)).shape == (4, 2, QUERIES, WAY)


@pytest.mark.parametrize(("name", "dim"), [("class_means", None), ("prototypes", DIM)])
def test_a_configured_head_is_tied_to_features_only_by_its_initialization(name, dim):
    steps = {"steps": 20, "steps_per_epoch": 20, "steps_per_call": 20}
    counts = {"train_episodes": 1, "validation_episodes": 1}
    section = MetaSettings(
        synthetic_gradient="general",
        initialization=name,
        learning_rate=1e-3,
        l2=0.0,
        **steps,
        **counts,
    )
    assert section.model(WAY, DIM).feature_dim == dim


def test_features_of_any_size_are_of_equal_size_in_an_episode():
    head, inputs = make_head(dim=None), make_inputs()
    inputs["query_features"] = inputs["query_features"][..., 1:]
    with pytest.raises(ValueError, match="support_features and query_features must be equal in"):
        classify(head, inputs)
    with pytest.raises(ValueError, match="give feature_dim"):
        make_head(dim=None, initialization="prototypes")


@pytest.mark.parametrize("queries", [2, 5, 400])
def test_class_means_start_where_prototypes_do(queries):
    head, inputs = make_head(), make_inputs(queries)
    prototypes = FewShotClassifier(WAY, DIM, num_steps=0, dtype="float64")
    np.testing.assert_array_equal(
        classify(head, inputs)[0].argmax(-1), classify(prototypes, inputs, 0)[0].argmax(-1)
    )
