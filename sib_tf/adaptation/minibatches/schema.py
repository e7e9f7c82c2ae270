"""The one TFRecord layout of minibatches: `encode` writes it, `parse` reads it.

A record is a `tf.train.Example` of one minibatch of Q images:

    feature     type         content
    minibatch   int64 [1]    number of the minibatch, from 0
    domain      int64 [1]    number of the domain in the order of the splits it was drawn from
    id          int64 [Q]    positions of the images in the split of the domain
    label       int64 [Q]    labels of the images in the data set
"""

import tensorflow as tf

from sib_tf.adaptation.minibatches.sampling import Minibatch
from sib_tf.beam.records import serialize

PADDING = -1  # where a minibatch is smaller than the largest


def encode(minibatch: Minibatch) -> bytes:
    """Serializes a minibatch."""
    return serialize(
        {
            "minibatch": [minibatch.index],
            "domain": [minibatch.domain],
            "id": minibatch.ids,
            "label": minibatch.labels,
        }
    )


def parse(records: tf.Tensor, largest: int) -> dict[str, tf.Tensor]:
    """Parses a batch of serialized minibatches.

    Args:
        records: string [B].
        largest: Q of the largest minibatch.

    Returns:
        `minibatch` and `domain`, int64 [B]; `id` and `label`, int64 [B, Q], filled up with PADDING.

    Raises:
        tf.errors.InvalidArgumentError: if a record is of another kind, or larger.
    """
    images = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True, default_value=PADDING)
    number = tf.io.FixedLenFeature([], tf.int64)
    parsed = tf.io.parse_example(
        records, {"minibatch": number, "domain": number, "id": images, "label": images}
    )
    for name in ("id", "label"):
        missing = largest - tf.shape(parsed[name])[1]
        tf.debugging.assert_non_negative(missing, f"{name} of a larger minibatch")
        parsed[name] = tf.pad(parsed[name], [[0, 0], [0, missing]], constant_values=PADDING)
    return parsed
