"""A served model, asked by gRPC."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    SignatureDefMap,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from sib_tf.base.errors import UserError
from sib_tf.serving.client.credentials import NONE, Credentials
from sib_tf.serving.client.padding import PaddedTask
from sib_tf.serving.client.signatures import SignatureDefs
from sib_tf.serving.client.target import Target
from sib_tf.serving.exported_model import Answers

_RETRIES = {
    "methodConfig": [
        {
            "name": [{}],  # of any method
            "retryPolicy": {
                "maxAttempts": 5,  # the most that gRPC allows; with these waits some 3 s
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_OPTIONS = (
    ("grpc.service_config", json.dumps(_RETRIES)),
    # A request that is larger than this buffer is not sent again.
    ("grpc.per_rpc_retry_buffer_size", 2**31 - 1),
    # The default of 4 MiB is less than the images of many tasks.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
)
# What protobuf puts into a message, less some for names and shapes.
_MAX_BYTES = 2**31 - 2**12


class GrpcConnection:
    """A model on a server that speaks gRPC.

    Attributes:
        target: model that is asked.
        signature: name of the signature that is asked.
    """

    signature = "serving_default"

    def __init__(self, target: Target, credentials: Credentials = NONE) -> None:
        """Opens no connection yet.

        Raises:
            UserError: if the address has a path.
        """
        if target.server.path:
            raise UserError(
                f"--server={target.address}: has a path, which gRPC does not know; leave it out, "
                "or ask by --rest"
            )
        self.target = target
        self._stub = PredictionServiceStub(_channel(target, credentials))

    def signatures(self) -> SignatureDefs:
        """The signatures of the model by name.

        Raises:
            UserError: if the server does not answer or has no such model.
        """
        request = GetModelMetadataRequest(
            model_spec=ModelSpec(name=self.target.model), metadata_field=["signature_def"]
        )
        response = self._call(self._stub.GetModelMetadata, request)
        signatures = SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return signatures.signature_def

    def answers(self, task: PaddedTask) -> Answers:
        """Class probabilities, float32 [1 + Q or more, N or more], see `padding`.

        Raises:
            UserError: if the task is larger than any message, or the server does not answer or
                refuses the request.
        """
        num_bytes = sum(value.nbytes for value in task)
        if num_bytes > _MAX_BYTES:
            raise self.target.too_large(f"{num_bytes} bytes, a message holds {_MAX_BYTES}")
        spec = ModelSpec(name=self.target.model, signature_name=self.signature)
        # An `output_filter` would make the answer smaller, but the server batches only requests
        # for all outputs of a signature.
        request = PredictRequest(model_spec=spec)
        for name, value in task._asdict().items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value[np.newaxis]))
        response = self._call(self._stub.Predict, request)
        return Answers(*(tf.make_ndarray(response.outputs[name])[0] for name in Answers._fields))

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        try:
            return method(request, timeout=self.target.timeout)
        except grpc.RpcError as error:
            raise self._explained(error.code(), error.details()) from error

    def _explained(self, code: grpc.StatusCode, details: str) -> UserError:
        match code:
            case grpc.StatusCode.UNAVAILABLE:
                return self.target.unavailable(details)
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return self.target.late()
            case grpc.StatusCode.NOT_FOUND:
                return self.target.missing()
            case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
                return self.target.unauthorized(f"{code.name}: {details}")
            case grpc.StatusCode.RESOURCE_EXHAUSTED:
                return self.target.too_large(details)
            case _:
                return self.target.refused(f"{code.name}: {details}")


def _channel(target: Target, credentials: Credentials) -> grpc.Channel:
    if not target.server.tls:
        return grpc.insecure_channel(target.server.authority, _OPTIONS)
    files = (credentials.ca_file, credentials.key, credentials.certificate_file)
    tls = grpc.ssl_channel_credentials(*(file and file.read_bytes() for file in files))
    if credentials.token:
        token = grpc.access_token_call_credentials(credentials.token)
        tls = grpc.composite_channel_credentials(tls, token)
    return grpc.secure_channel(target.server.authority, tls, _OPTIONS)
