"""The REST API, as in model_servers/http_rest_api_handler.cc."""

import contextlib
import json
import re
import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import grpc
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from tests.serving.model_server import json_tensors
from tests.serving.model_server.core import Core
from tests.serving.model_server.guard import Guard
from tests.serving.model_server.status_error import StatusError, invalid_argument

_MODEL = r"(?i)/v1/models/([^/:]+)(?:/versions/(\d+))?"
_PREDICT = re.compile(_MODEL + ":predict")
_STATUS = re.compile(_MODEL + "(/metadata)?")

_HTTP_STATUS = {  # ToHTTPStatusCode() in model_servers/http_server.cc
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


def serve(core: Core, port: int, guard: Guard | None) -> ThreadingHTTPServer:
    """Starts a server on loopback."""
    server = _Server(("127.0.0.1", port), partial(_Handler, core, guard))
    if guard:
        # The handshake is that of a handler's thread, not of the one that accepts connections.
        server.socket = guard.context().wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: socket.socket, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def handle_error(self, *args: Any) -> None:
        """Says nothing of clients that break off, such as at the sight of the certificate."""

    def server_close(self) -> None:
        """Also ends connections that clients keep open for their next requests."""
        super().server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # the client has closed it
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # which keeps connections open

    def __init__(self, core: Core, guard: Guard | None, *args: Any) -> None:
        self._core, self._guard = core, guard
        super().__init__(*args)

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(partial(self._post, body))

    def log_message(self, *args: Any) -> None:
        """Says nothing."""

    def _answer(self, method) -> None:
        refusal = self._guard and self._guard.refusal(self.headers["Authorization"])
        try:
            status, answer = (401, {}) if refusal else (200, method())
        except StatusError as error:
            status, answer = _HTTP_STATUS.get(error.code, 500), {"error": error.message}
        body = json.dumps(answer).encode()
        self.send_response(status)
        if refusal:
            self.send_header("WWW-Authenticate", f'Bearer error_description="{refusal}"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _get(self) -> dict[str, Any]:
        spec, metadata = self._parse(_STATUS)
        if not metadata:
            return _to_dict(self._core.status(GetModelStatusRequest(model_spec=spec)), False)
        request = GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        response = self._core.metadata(request)
        signatures = SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return {
            "model_spec": _to_dict(response.model_spec),
            "metadata": {"signature_def": _to_dict(signatures)},
        }

    def _post(self, body: bytes) -> dict[str, Any]:
        (spec,) = self._parse(_PREDICT)
        values = json_tensors.parse_object(body)
        spec.signature_name = values.get("signature_name", "")
        inputs = json_tensors.read_inputs(values, self._infos(spec))
        request = PredictRequest(model_spec=spec)
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        response = self._core.predict(request)
        outputs = {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
        return json_tensors.write_outputs(outputs, rows="instances" in values)

    def _infos(self, spec: ModelSpec) -> Any:
        name = spec.signature_name or "serving_default"
        with self._core.servable(spec) as servable:
            if name not in servable.signatures:
                raise invalid_argument(
                    f'Serving signature name: "{name}" not found in signature def'
                )
            return servable.signatures[name].inputs

    def _parse(self, pattern: re.Pattern) -> tuple:
        prefix = self._guard.path if self._guard else ""
        match = self.path.startswith(prefix) and pattern.fullmatch(self.path[len(prefix) :])
        if not match:
            raise invalid_argument(f"Malformed request: {self.command} {self.path}")
        name, version, *rest = match.groups()
        spec = ModelSpec(name=unquote(name))
        if version:
            spec.version.value = int(version)
        return spec, *rest


def _to_dict(message: Any, keep_names: bool = True) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=keep_names,
        always_print_fields_with_no_presence=True,
    )
