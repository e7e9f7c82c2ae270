"""What both protocols call, as in model_servers/server_core.cc and its neighbours."""

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from tests.serving.model_server import predict
from tests.serving.model_server.servable import Servable
from tests.serving.model_server.status_error import invalid_argument, not_found, unavailable
from tests.serving.model_server.versions import Versions


class Core:
    """One model with its versions."""

    def __init__(self, name: str, versions: Versions) -> None:
        self._name, self._versions = name, versions
        self._overload = iter(range(0))

    def overload(self, requests: int) -> None:
        """Refuses the next predictions as if too many were queued."""
        self._overload = iter(range(requests))

    @contextmanager
    def servable(self, spec: ModelSpec) -> Iterator[Servable]:
        """Keeps the requested version loaded while it is in use."""
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        version = spec.version.value if spec.HasField("version") else None
        found = self._versions.get(version) if spec.name == self._name else None
        if found is None:
            asked = (
                f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
            )
            raise not_found(f"Servable not found for request: {asked}")
        with found.in_use():
            yield found

    def predict(self, request: PredictRequest) -> PredictResponse:
        if next(self._overload, None) is not None:
            raise unavailable("The batch scheduling queue to which this task was submitted is full")
        with self.servable(request.model_spec) as servable:
            return predict.predict(servable, request)

    def metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        if not request.metadata_field:
            raise invalid_argument(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != "signature_def":
                raise invalid_argument(f"Metadata field {field} is not supported")
        with self.servable(request.model_spec) as servable:
            response = GetModelMetadataResponse()
            response.model_spec.name = self._name
            response.model_spec.version.value = servable.version
            signatures = SignatureDefMap(signature_def=servable.signatures)
            response.metadata["signature_def"].Pack(signatures)
            return response

    def status(self, request: GetModelStatusRequest) -> GetModelStatusResponse:
        spec = request.model_spec
        statuses = self._versions.statuses if spec.name == self._name else {}
        if spec.HasField("version"):
            version = spec.version.value
            if version not in statuses:
                raise not_found(f"Could not find version {version} of model {spec.name}")
            statuses = {version: statuses[version]}
        if not statuses:
            raise not_found(f"Could not find any versions of model {spec.name}")
        newest_first = sorted(statuses, reverse=True)
        return GetModelStatusResponse(
            model_version_status=[statuses[version] for version in newest_first]
        )
