"""Requests that a model server replays before it serves a version, so that no client waits for it.

The first request of each signature is slow. TF Serving sends those that it finds in the
`assets.extra` of a SavedModel to the new version first.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from sib_tf.serving.exported_model import ExportedModel

FILE = Path("assets.extra") / "tf_serving_warmup_requests"

_CLASSES = 5  # where the model takes any number


def write(model: Path, *, seed: int) -> None:
    """Adds a request for each signature to a SavedModel, all of the same episode of noise.

    It has an image of each class, and one to classify: as much as any model takes.

    Args:
        model: folder of a SavedModel that `export` has written; gets
            `assets.extra/tf_serving_warmup_requests`, TFRecords of PredictionLog.
        seed: seed of the noise.
    """
    exported = ExportedModel(model)
    classes = exported.num_classes or _CLASSES
    shape = (classes + 1, *exported.image_size, 3)
    noise = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    labels = {"support_labels": np.arange(classes, dtype=np.int32)}
    images = {"support_images": noise[:-1], "query_images": noise[-1:]}
    requests = {
        "serving_default": labels | images,
        "encoded": labels | {name: _encode(value) for name, value in images.items()},
        "features": labels
        | {
            name.replace("images", "features"): exported.features(value)
            for name, value in images.items()
        },
    }
    episodes = {
        signature: {name: value[np.newaxis] for name, value in inputs.items()}
        for signature, inputs in requests.items()
    }
    (model / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(model / FILE)) as writer:
        for signature, inputs in {**episodes, "embed": {"images": noise}}.items():
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
