import numpy as np
import pytest
import tensorflow as tf

from sib_tf.method.xi import neighbors
from sib_tf.method.xi.neighbors import Neighbors


def weights(queries, mask=None):
    """The weights [B, Q, Q], which are the means of unit vectors."""
    batch, count, _ = queries.shape
    return Neighbors(queries, mask).mean(np.broadcast_to(np.eye(count), (batch, count, count)))


def test_weights_by_hand():
    # Normalised features (1, 0), (0, 1), (0, 1) with the mean (1/3, 2/3). Centred: (2, -2)/3 and
    # twice (-1, 1)/3, so the cosine is -1 between the first and the others, and 1 between these.
    found = weights(np.array([[[3.0, 0.0], [0.0, 1.0], [0.0, 0.5]]]))
    other = np.exp(-20.0) / (1 + np.exp(-20.0))  # exp(-10) against exp(10)
    expected = [[0, 0.5, 0.5], [other, 0, 1 - other], [other, 1 - other, 0]]
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_episodes_are_independent_and_the_order_of_queries_does_not_matter():
    queries = np.random.default_rng(0).normal(size=(2, 6, 4))
    order = [3, 1, 5, 0, 2, 4]
    found = weights(queries).numpy()
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-12)
    np.testing.assert_allclose(weights(queries[1:])[0], found[1], atol=1e-12)
    permuted = weights(queries[:, order])
    np.testing.assert_allclose(permuted, found[:, order][:, :, order], atol=1e-12)


def test_a_single_query_is_its_own_neighbor():
    np.testing.assert_array_equal(weights(np.ones((1, 1, 3))), [[[1.0]]])


def test_padding_is_not_a_neighbor():
    queries = np.random.default_rng(0).normal(size=(2, 6, 4))
    mask = np.array([[True] * 4 + [False] * 2, [True] + [False] * 5])
    found = weights(queries, mask).numpy()
    np.testing.assert_allclose(found[0, :4, :4], weights(queries[:1, :4])[0], atol=1e-12)
    np.testing.assert_array_equal(found[0, :4, 4:], 0)
    np.testing.assert_array_equal(found[1, 0], [1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("count", [1, 3, 4, 7])
@pytest.mark.parametrize("jit", [False, True])
def test_blocks_give_the_same_means_and_gradients(monkeypatch, count, jit):
    rng = np.random.default_rng(count)
    queries, values = rng.normal(size=(2, count, 4)), rng.normal(size=(2, count, 3))
    mask = np.array([[True] * count, [True] + [False] * (count - 1)])

    def mean(queries, mask, values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            found = Neighbors(queries, mask, many=True).mean(values)
        return found, tape.gradient(found, values, output_gradients=tf.square(found))

    inputs = [tf.constant(x) for x in (queries, mask, values)]
    expected = mean(*inputs)
    for limit in ("MOST_KEPT", "BLOCK"):
        monkeypatch.setattr(neighbors, limit, 3)
    # Without XLA the number of queries is not known, as in an exported model.
    free = [tf.TensorSpec([None, None, *x.shape[2:]], x.dtype) for x in inputs]
    traced = tf.function(mean, input_signature=None if jit else free, jit_compile=jit)
    # Blocks are float32: cosines are right to 1e-7, and weights are exponentials of ten of them.
    for one, other in zip(traced(*inputs), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
