"""Support images that are nearly the same, which flatter the accuracy that is measured on them."""

import numpy as np

# Measured on PACS. Of pairs of different images of a class the ready model puts fewer than one in a
# thousand this near, and none of the photographs. Of two copies of a photograph that differ in
# compression, brightness, a few percent of crop or by their mirror image, it puts most this near,
# of sketches about half; a copy so small that it is enlarged for the model is not found.
_NEAR = 0.1


def near_duplicates(features: np.ndarray, labels: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of images whose features are far nearer to each other than images of two classes are.

    Near is a cosine distance below a tenth of the median distance between classes, so that it means
    the same for features of any model.

    Args:
        features: features of the support, float [S, D].
        labels: their labels, int [S], of two classes or more.

    Returns:
        Places of each pair, the first in front.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    distances = 1 - unit @ unit.T
    between = np.median(distances[labels[:, np.newaxis] != labels])
    first, second = np.nonzero(np.triu(distances < _NEAR * between, k=1))
    return list(zip(first.tolist(), second.tolist(), strict=True))
