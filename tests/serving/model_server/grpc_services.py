"""PredictionService and ModelService over gRPC."""

from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from tensorflow_serving.apis.model_service_pb2_grpc import (
    ModelServiceServicer,
    add_ModelServiceServicer_to_server,
)
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    add_PredictionServiceServicer_to_server,
)

from tests.serving.model_server.core import Core
from tests.serving.model_server.guard import Guard
from tests.serving.model_server.status_error import StatusError


def serve(core: Core, port: int, max_message_bytes: int, guard: Guard | None) -> grpc.Server:
    """Starts a server on loopback."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        interceptors=[_Interceptor(guard)] if guard else [],
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.so_reuseport", 0),
        ],
    )
    add_PredictionServiceServicer_to_server(_PredictionService(core), server)
    add_ModelServiceServicer_to_server(_ModelService(core), server)
    if guard:
        server.add_secure_port(f"127.0.0.1:{port}", _credentials(guard))
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server


def _credentials(guard: Guard) -> grpc.ServerCredentials:
    pair = (guard.key_file.read_bytes(), guard.certificate_file.read_bytes())
    clients = guard.client_ca_file and guard.client_ca_file.read_bytes()
    return grpc.ssl_server_credentials([pair], clients, require_client_auth=clients is not None)


class _Interceptor(grpc.ServerInterceptor):
    """Answers those whose token the guard does not know."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        refusal = self._guard.refusal(dict(details.invocation_metadata).get("authorization"))
        if refusal is None:
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(
            lambda _, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, refusal)
        )


class _PredictionService(PredictionServiceServicer):
    def __init__(self, core: Core) -> None:
        self._core = core

    def Predict(self, request, context):  # noqa: N802 - of the protocol
        return _answer(self._core.predict, request, context)

    def GetModelMetadata(self, request, context):  # noqa: N802
        return _answer(self._core.metadata, request, context)


class _ModelService(ModelServiceServicer):
    def __init__(self, core: Core) -> None:
        self._core = core

    def GetModelStatus(self, request, context):  # noqa: N802
        return _answer(self._core.status, request, context)


def _answer(method: Callable[[Any], Any], request: Any, context: grpc.ServicerContext) -> Any:
    try:
        return method(request)
    except StatusError as error:
        return context.abort(error.code, error.message)
