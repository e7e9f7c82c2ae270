"""Requests that a model server replays before it serves a version, so that no client waits for it.

The first request of each signature is slow. TF Serving sends those that it finds in the
`assets.extra` of a SavedModel to the new version first.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

FILE = Path("assets.extra") / "tf_serving_warmup_requests"


def write(
    model: Path, support_images: np.ndarray, support_labels: np.ndarray, query_images: np.ndarray
) -> None:
    """Adds a request for each signature to a SavedModel, all of the same episode.

    Args:
        model: folder of a SavedModel that `export` has written; gets
            `assets.extra/tf_serving_warmup_requests`, TFRecords of PredictionLog.
        support_images: support images of the episode, uint8 [S, H, W, 3].
        support_labels: labels of the support images, int32 [S].
        query_images: query images of the episode, uint8 [Q, H, W, 3].
    """
    embed = tf.saved_model.load(str(model)).signatures["embed"]
    labels = {"support_labels": support_labels}
    images = {"support_images": support_images, "query_images": query_images}
    requests = {
        "serving_default": labels | images,
        "encoded": labels | {name: _encode(value) for name, value in images.items()},
        "features": labels
        | {
            name.replace("images", "features"): embed(images=tf.constant(value))["features"].numpy()
            for name, value in images.items()
        },
    }
    episodes = {
        signature: {name: value[np.newaxis] for name, value in inputs.items()}
        for signature, inputs in requests.items()
    }
    (model / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(model / FILE)) as writer:
        for signature, inputs in {**episodes, "embed": {"images": query_images}}.items():
            writer.write(_log(signature, inputs).SerializeToString())


def _encode(images: np.ndarray) -> np.ndarray:
    return np.array([tf.io.encode_png(image).numpy() for image in images], object)


def _log(signature: str, inputs: Mapping[str, np.ndarray]) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log)
