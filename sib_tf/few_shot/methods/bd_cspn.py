"""Prototypes rectified by the queries."""

import tensorflow as tf

from sib_tf.few_shot.methods import geometry
from sib_tf.few_shot.methods.method import Method, way_of
from sib_tf.few_shot.model import Inputs

_SCALE = 10.0


class BDCSPN(Method):
    """Cosine similarity to class means of the support *and* of the queries as they are predicted.

    The queries are shifted by the difference of the means of support and queries. Each example is
    given to the class of the most similar prototype, with weight softmax(10 cos) of that class; the
    rectified prototype of a class is the mean of its examples with their weights.

    Constants of the paper: scale 10 of the cosine. Nothing is tuned.

    Source: Liu, Song, Qin, "Prototype Rectification for Few-Shot Learning", ECCV 2020.
    """

    title = "BD-CSPN"

    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries, float32 [1, B, Q, N]."""
        del num_steps
        query = geometry.unit_features(inputs)[1]
        scores = geometry.cosines(query, rectified_prototypes(inputs))
        return tf.nn.softmax(_SCALE * scores)[tf.newaxis]


def rectified_prototypes(inputs: Inputs) -> tf.Tensor:
    """Means of support and queries by predicted class, float [B, N, D]."""
    support, query = geometry.unit_features(inputs)
    prototypes = geometry.class_means(support, geometry.members(inputs))
    shift = tf.reduce_mean(support, 1, keepdims=True) - tf.reduce_mean(query, 1, keepdims=True)
    examples = tf.concat([support, query + shift], axis=1)
    scores = _SCALE * geometry.cosines(examples, prototypes)
    chosen = tf.one_hot(tf.argmax(scores, axis=-1), way_of(inputs), dtype=scores.dtype)
    return geometry.class_means(examples, chosen * tf.nn.softmax(scores))
