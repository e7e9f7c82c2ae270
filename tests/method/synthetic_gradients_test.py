import math
from functools import partial

import keras
import numpy as np
import pytest

from sib_tf.method.xi.context import Context
from sib_tf.method.xi.dense import DenseSyntheticGradient
from sib_tf.method.xi.episode_normalization import EpisodeNormalization
from sib_tf.method.xi.pair_features import pair_features
from sib_tf.method.xi.registry import XI


def test_scale_and_shift_depend_on_the_episode():
    layer = EpisodeNormalization(conditions=2, dtype="float64")
    layer.build((2, 2, 1))
    layer.gamma.assign([2.0])
    layer.beta.assign([0.5])
    layer.gamma_by.assign([[1.0], [10.0]])
    layer.beta_by.assign([[3.0], [0.0]])
    # Each episode is -1 and 1 once normalised, but for epsilon.
    x = np.array([[[-100.0], [300.0]], [[0.0], [500.0]]])
    found = layer(x, about=np.array([[1.0, 0.0], [-1.0, 0.1]]))
    # Episode 1: scale 2 + 1, shift 0.5 + 3. Episode 2: scale 2 - 1 + 1, shift 0.5 - 3.
    np.testing.assert_allclose(found[..., 0], [[0.5, 6.5], [-4.5, -0.5]], atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 5, 2), (2, 4, 3, 2)])
@pytest.mark.parametrize("training", [True, False])
def test_normalization_is_by_episode_with_biased_variance(shape, training):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) * 0.01 + rng.normal(size=(shape[0], *[1] * (len(shape) - 1)))
    layer = EpisodeNormalization(dtype="float64")
    layer.build(shape)
    layer.gamma.assign([2.0, -1.0])
    layer.beta.assign([0.5, 3.0])
    for episode, found in zip(x, layer(x, training=training).numpy(), strict=True):
        rows = episode.reshape(-1, 2)
        mean = rows.sum(0) / len(rows)
        variance = ((rows - mean) ** 2).sum(0) / len(rows)
        expected = [2.0, -1.0] * (episode - mean) / np.sqrt(variance + 1e-5) + [0.5, 3.0]
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", XI)
def test_xi_keeps_no_state_between_calls(name):
    xi = XI[name](way=3)
    xi.build((None, None, 3))
    rng = np.random.default_rng(0)
    labels = np.array([[0, 1, 2]])
    context = Context(rng.normal(size=(1, 4, 6)).astype("float32"), support_labels=labels)
    examples = 4 + labels.shape[1] * xi.on_support
    logits = rng.normal(size=(1, examples, 3)).astype("float32")
    before = xi(logits, context=context, training=True).numpy()
    xi(100 + logits[:, ::-1] * 7, context=context, training=True)
    assert xi.non_trainable_weights == []
    np.testing.assert_array_equal(xi(logits, context=context, training=False), before)


@pytest.mark.parametrize("way", [2, 5])
def test_sizes_and_initial_range_of_the_dense_network(way):
    keras.utils.set_random_seed(0)
    xi = DenseSyntheticGradient(way)
    xi.build((None, None, way))
    check_range(xi.perceptron, [(way, 8 * way), (8 * way, 8 * way), (8 * way, way)])


def test_sizes_and_initial_range_of_the_set_wise_network():
    keras.utils.set_random_seed(0)
    xi = XI["set"]()
    xi.build((None, None, None))
    check_range(xi.perceptron, [(9, 32), (32, 32), (32, 1)])


def check_range(perceptron, sizes):
    layers = [perceptron.dense1, perceptron.dense2, perceptron.dense3]
    assert [tuple(layer.kernel.shape) for layer in layers] == sizes
    for layer, (fan_in, _) in zip(layers, sizes, strict=True):
        limit = 1 / math.sqrt(fan_in)
        assert abs(layer.kernel.numpy()).max() <= limit
        assert abs(layer.bias.numpy()).max() <= limit
        # 32 or more draws of U(-1, 1) are all within 0.8 with probability at most 0.8^32 < 0.1%.
        assert abs(layer.kernel.numpy()).max() > 0.8 * limit
        assert layer.bias.numpy().any()


def test_order_of_dense_relu_and_normalization():
    xi = DenseSyntheticGradient(2, dtype="float64")
    xi.build((None, None, 2))
    logits = np.random.default_rng(0).normal(size=(1, 6, 2))
    net, x = xi.perceptron, logits[0]
    for dense in (net.dense1, net.dense2):
        x = np.maximum(x @ dense.kernel.numpy() + dense.bias.numpy(), 0)
        x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    expected = x @ net.dense3.kernel.numpy() + net.dense3.bias.numpy()
    np.testing.assert_allclose(xi(logits, context=Context(logits))[0], expected, atol=1e-12)


def test_pair_features_by_hand():
    # Two queries, two classes: logits (ln 3, 0) give p = (3/4, 1/4); (0, 0) give (1/2, 1/2).
    # Shares: (5/8, 3/8). p / share: (6/5, 2/3) -> normalised (9/14, 5/14);
    # (4/5, 4/3) -> (3/8, 5/8). Entropies: -3/4 ln 3/4 - 1/4 ln 1/4 and ln 2. Neighbours: the first
    # query has the second only; the second has a third of itself and two thirds of the first.
    ln = math.log
    entropy = -0.75 * ln(0.75) - 0.25 * ln(0.25)
    expected = [
        [
            [ln(3) / 2, ln(0.75), 0.75, 9 / 16, 5 / 8, 0.75, entropy, 9 / 14, 1 / 2],
            [-ln(3) / 2, ln(0.25), 0.25, 1 / 16, 3 / 8, 0.75, entropy, 5 / 14, 1 / 2],
        ],
        [
            [0, ln(0.5), 0.5, 0.25, 5 / 8, 0.5, ln(2), 3 / 8, 2 / 3],
            [0, ln(0.5), 0.5, 0.25, 3 / 8, 0.5, ln(2), 5 / 8, 1 / 3],
        ],
    ]
    weights = np.array([[[0, 1], [2 / 3, 1 / 3]]])
    found = pair_features(np.array([[[ln(3), 0.0], [0.0, 0.0]]]), partial(np.matmul, weights))
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_pair_features_ignore_absent_classes():
    logits = np.random.default_rng(0).normal(size=(2, 4, 3))
    there = np.array([[True, False, True], [True, True, True]])[:, np.newaxis]
    weights = np.random.default_rng(1).dirichlet([1.0] * 4, size=(2, 4))
    found = pair_features(logits, partial(np.matmul, weights), there).numpy()
    alone = pair_features(logits[:1, :, ::2], partial(np.matmul, weights[:1]))
    np.testing.assert_allclose(found[:1, :, ::2], alone, atol=1e-12)
    np.testing.assert_array_equal(found[0, :, 1], 0)
    other = pair_features(logits[1:], partial(np.matmul, weights[1:]))
    np.testing.assert_allclose(found[1:], other, atol=1e-12)


def test_normalization_ignores_absent_entries():
    # Present: 1, 3, 8 with mean 4 and variance (9 + 1 + 16) / 3 = 26/3. Absent: 100.
    layer = EpisodeNormalization(dtype="float64")
    layer.build((1, 4, 1))
    x = np.array([1.0, 100.0, 3.0, 8.0]).reshape(1, 4, 1)
    found = np.ravel(layer(x, present=np.array([[True, False, True, True]])))
    expected = np.array([-3, -1, 4]) / math.sqrt(26 / 3 + 1e-5)
    np.testing.assert_allclose(found[[0, 2, 3]], expected, atol=1e-12)
