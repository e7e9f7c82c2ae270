"""The server: one model over gRPC and HTTP."""

from pathlib import Path

from tests.serving.model_server import batching_parameters, grpc_services, rest_api
from tests.serving.model_server.core import Core
from tests.serving.model_server.guard import Guard
from tests.serving.model_server.versions import Versions


class ModelServer:
    """Serves the newest version of a model on loopback until it is stopped.

    Args:
        base: folder of the numbered versions of the model.
        name: name of the model.
        grpc_port: port for gRPC.
        rest_port: port for HTTP.
        batching: text of a BatchingParameters message; None runs each request alone.
        max_message_bytes: largest size of a gRPC request, -1 for any.
        poll_seconds: time between two looks at `base`, in seconds.
        guard: what lets clients in; None lets in all, without TLS.

    Attributes:
        overload: see `Core.overload`.
    """

    def __init__(
        self,
        base: Path,
        name: str,
        grpc_port: int,
        rest_port: int,
        batching: str | None = None,
        max_message_bytes: int = -1,
        poll_seconds: float = 0.05,
        guard: Guard | None = None,
    ) -> None:
        parameters = batching_parameters.parse(batching) if batching else None
        self._versions = Versions(base, parameters, poll_seconds)
        core = Core(name, self._versions)
        self.overload = core.overload
        self._grpc = grpc_services.serve(core, grpc_port, max_message_bytes, guard)
        self._rest = rest_api.serve(core, rest_port, guard)

    def stop(self) -> None:
        self._grpc.stop(grace=None).wait()
        self._rest.shutdown()
        self._rest.server_close()
        self._versions.close()
