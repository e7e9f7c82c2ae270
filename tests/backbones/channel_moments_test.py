import numpy as np

from sib_tf.backbones.channel_moments import channel_moments


def test_moments_by_hand():
    # Channel 0: 0, 0, 0, 4: mean 1, variance (1 + 1 + 1 + 9) / 4 = 3. Channel 1: always 255.
    images = np.array([[[[0, 255], [0, 255]]], [[[0, 255], [4, 255]]]], np.uint8)
    mean, variance = channel_moments(images)
    assert mean.tolist() == [1, 255]
    assert variance.tolist() == [3, 0]


def test_moments_are_those_of_numpy_over_several_chunks():
    images = np.random.default_rng(0).integers(0, 256, (1203, 9, 7, 3), np.uint8)
    pixels = images.reshape(-1, 3)
    mean, variance = channel_moments(images)
    np.testing.assert_allclose(mean, pixels.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(variance, pixels.var(axis=0, dtype=np.float64), rtol=1e-12)
