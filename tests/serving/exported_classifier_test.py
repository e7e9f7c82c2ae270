"""The classifier of an exported model, evaluated as the one that it was made from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier
from sib_tf.serving.export import export
from sib_tf.serving.exported_classifier import ExportedClassifier


@pytest.mark.slow
def test_its_two_answers_are_those_at_k_0_and_after_k_steps(tmp_path):
    keras.utils.set_random_seed(0)
    head = FewShotClassifier(
        None,
        3,
        num_steps=2,
        synthetic_gradient="general",
        initialization="class_means",
        step_size=1.0,
    )
    images = keras.Input((4, 4, 3))
    export(tmp_path / "1", keras.Model(images, keras.ops.mean(images, axis=(1, 2))), head)
    exported = ExportedClassifier(tmp_path)
    assert (exported.way, exported.feature_dim, exported.num_steps) == (None, 3, 1)

    rng = np.random.default_rng(0)
    inputs = {
        "support_features": tf.constant(rng.normal(size=(2, 4, 3)), tf.float32),
        "support_labels": tf.constant([[0, 1, 2, 0], [2, 1, 0, 0]]),
        "query_features": tf.constant(rng.normal(size=(2, 5, 3)), tf.float32),
        "class_mask": tf.ones((2, 3), tf.bool),
    }
    compiled = tf.function(lambda of: exported.logits_path(of, 1), jit_compile=True)
    start, _, end = tf.nn.softmax(head.for_serving().logits_path(inputs, 2)).numpy()
    found = tf.nn.softmax(compiled(inputs)).numpy()
    np.testing.assert_allclose(found, [start, end], atol=1e-6)
    assert np.abs(start - end).max() > 1e-3
