"""One version of a model, as in servables/tensorflow/."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import Message
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from tests.serving.model_server import predict
from tests.serving.model_server.batching import Batcher, Tensors
from tests.serving.model_server.status_error import of_tensorflow

_WARMUP = "assets.extra/tf_serving_warmup_requests"


class Servable:
    """A loaded SavedModel.

    Args:
        folder: folder of the version.
        batching: limits of a batch, a BatchingParameters message; None runs each request alone.

    Raises:
        OSError, tf.errors.OpError, StatusError: if loading or warming up the model fails.
    """

    def __init__(self, folder: Path, batching: Message | None) -> None:
        self.version = int(folder.name)
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            meta_graph = tf.compat.v1.saved_model.load(self._session, ["serve"], str(folder))
        self._session._extend_graph()
        self.signatures: dict[str, SignatureDef] = dict(meta_graph.signature_def)
        # Created on demand, since the signature of the initialisation has no output to fetch.
        self._batching = batching
        self._runners: dict[str, Callable[[Tensors], Tensors]] = {}
        self._making_a_runner = threading.Lock()
        self._users = 0
        self._unused = threading.Condition()
        self._warm_up(folder / _WARMUP)

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        """Computes all outputs of a signature, in a batch with other requests."""
        with self._making_a_runner:
            if signature not in self._runners:
                run = self._runner(self.signatures[signature])
                self._runners[signature] = Batcher(run, self._batching) if self._batching else run
        return self._runners[signature](inputs)

    def run_alone(self, signature: str, inputs: Tensors, outputs: list[str]) -> Tensors:
        """Computes some outputs of a signature, without batching."""
        whole = self.signatures[signature]
        filtered = SignatureDef(inputs=whole.inputs)
        for name in outputs:
            filtered.outputs[name].CopyFrom(whole.outputs[name])
        return self._runner(filtered)(inputs)

    @contextmanager
    def in_use(self) -> Iterator["Servable"]:
        """Keeps the model from being unloaded."""
        with self._unused:
            self._users += 1
        try:
            yield self
        finally:
            with self._unused:
                self._users -= 1
                self._unused.notify_all()

    def close(self) -> None:
        """Unloads the model once it is no longer in use."""
        with self._unused:
            self._unused.wait_for(lambda: not self._users)
        for runner in self._runners.values():
            if isinstance(runner, Batcher):
                runner.close()
        self._session.close()

    def _runner(self, signature: SignatureDef) -> partial:
        feeds, fetches = (
            {name: self._tensor(info.name) for name, info in side.items()}
            for side in (signature.inputs, signature.outputs)
        )
        # Unlike run(), this leaves all checks to the session and the graph, as C++ does.
        return partial(_run, self._session._call_tf_sessionrun, feeds, fetches)

    def _tensor(self, name: str) -> Any:
        return self._session.graph.get_tensor_by_name(name)._as_tf_output()

    def _warm_up(self, file: Path) -> None:
        if not file.exists():
            return
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            predict.predict(self, PredictionLog.FromString(record).predict_log.request)


def _run(call: Callable, feeds: dict, fetches: dict, inputs: Tensors) -> Tensors:
    fed = {feed: inputs[name] for name, feed in feeds.items()}
    try:
        values = call(None, fed, list(fetches.values()), [], None)
    except tf.errors.OpError as error:
        raise of_tensorflow(error) from error
    return dict(zip(fetches, map(np.asarray, values), strict=True))
