"""Warm-up requests are what a client would send: each signature answers its own."""

import keras
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from sib_tf import FewShotClassifier
from sib_tf.backbones import registry
from sib_tf.serving import warmup
from sib_tf.serving.export import export


def test_every_signature_answers_its_warmup_request(tmp_path):
    keras.utils.set_random_seed(0)
    phi = registry.build("conv4_8", image_size=16)
    export(tmp_path / "1", phi, FewShotClassifier(2, 8))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    labels = np.array([0, 1], np.int32)
    warmup.write(tmp_path / "1", images[:2], labels, images[2:])

    model = tf.saved_model.load(str(tmp_path / "1"))
    answers = {}
    records = tf.data.TFRecordDataset(str(tmp_path / "1" / warmup.FILE))
    for record in records.as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.constant(tf.make_ndarray(x)) for name, x in request.inputs.items()}
        answers[request.model_spec.signature_name] = model.signatures[
            request.model_spec.signature_name
        ](**inputs)
    assert set(answers) == set(model.signatures)
    features = phi(images[2:]).numpy()
    np.testing.assert_allclose(answers["embed"]["features"], features, atol=1e-6 * features.max())
    expected = answers["serving_default"]["probabilities"]
    assert expected.shape == (1, 4, 2)
    for name in ("encoded", "features"):
        np.testing.assert_allclose(answers[name]["probabilities"], expected, atol=1e-5)
