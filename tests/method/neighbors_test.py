import numpy as np

from sib_tf.method.xi.neighbors import neighbor_weights


def test_weights_by_hand():
    # Normalised features (1, 0), (0, 1), (0, 1) with the mean (1/3, 2/3). Centred: (2, -2)/3 and
    # twice (-1, 1)/3, so the cosine is -1 between the first and the others, and 1 between these.
    found = neighbor_weights(np.array([[[3.0, 0.0], [0.0, 1.0], [0.0, 0.5]]]))
    other = np.exp(-20.0) / (1 + np.exp(-20.0))  # exp(-10) against exp(10)
    expected = [[0, 0.5, 0.5], [other, 0, 1 - other], [other, 1 - other, 0]]
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_episodes_are_independent_and_the_order_of_queries_does_not_matter():
    queries = np.random.default_rng(0).normal(size=(2, 6, 4))
    order = [3, 1, 5, 0, 2, 4]
    found = neighbor_weights(queries).numpy()
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-12)
    np.testing.assert_allclose(neighbor_weights(queries[1:])[0], found[1], atol=1e-12)
    permuted = neighbor_weights(queries[:, order])
    np.testing.assert_allclose(permuted, found[:, order][:, :, order], atol=1e-12)


def test_a_single_query_is_its_own_neighbor():
    np.testing.assert_array_equal(neighbor_weights(np.ones((1, 1, 3))), [[[1.0]]])


def test_padding_is_not_a_neighbor():
    queries = np.random.default_rng(0).normal(size=(2, 6, 4))
    mask = np.array([[True] * 4 + [False] * 2, [True] + [False] * 5])
    found = neighbor_weights(queries, mask).numpy()
    np.testing.assert_allclose(found[0, :4, :4], neighbor_weights(queries[:1, :4])[0], atol=1e-12)
    np.testing.assert_array_equal(found[0, :4, 4:], 0)
    np.testing.assert_array_equal(found[1, 0], [1, 0, 0, 0, 0, 0])
