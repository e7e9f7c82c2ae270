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
    warmup.write(tmp_path / "1", seed=0)

    model = tf.saved_model.load(str(tmp_path / "1"))
    requests, answers = {}, {}
    records = tf.data.TFRecordDataset(str(tmp_path / "1" / warmup.FILE))
    for record in records.as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        name = request.model_spec.signature_name
        requests[name] = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        inputs = {key: tf.constant(value) for key, value in requests[name].items()}
        answers[name] = model.signatures[name](**inputs)
    assert set(answers) == set(model.signatures)
    images = requests["embed"]["images"]
    assert images.shape == (3, 16, 16, 3)
    features = phi(images).numpy()
    np.testing.assert_allclose(answers["embed"]["features"], features, atol=1e-6 * features.max())
    expected = answers["serving_default"]["probabilities"]
    assert expected.shape == (1, 1, 2)
    for name in ("encoded", "features"):
        np.testing.assert_allclose(answers[name]["probabilities"], expected, atol=1e-5)
