"""Mean and variance of the channels of a whole data set, in the memory of a few images."""

import numpy as np

from sib_tf.base.lookup import Rows

_CHUNK = 500  # images: `bincount` makes eight bytes of each


def channel_moments(images: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over all pixels, exact up to the last division.

    There are 256 values only: how often each occurs says it all.

    Args:
        images: uint8 [n, H, W, C].

    Returns:
        Mean and variance, each float64 [C].
    """
    values = np.arange(256)
    counts = np.zeros((images.shape[-1], 256), np.int64)
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        for channel, count in enumerate(counts):
            count += np.bincount(chunk[..., channel].ravel(), minlength=256)
    pixels = counts.sum(axis=1)
    mean = counts @ values / pixels
    variance = (counts * np.square(values - mean[:, np.newaxis])).sum(axis=1) / pixels
    return mean, variance
