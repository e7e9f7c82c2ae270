"""A served model, asked by HTTP and JSON."""

import base64
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import numpy as np
import requests
import tensorflow as tf
from google.protobuf import json_format
from requests.adapters import HTTPAdapter
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from urllib3.util import Retry, Timeout

from sib_tf.base.errors import UserError
from sib_tf.serving.client.credentials import NONE, Credentials
from sib_tf.serving.client.padding import PaddedTask
from sib_tf.serving.client.signatures import SignatureDefs
from sib_tf.serving.client.target import Target
from sib_tf.serving.exported_model import Answers

_RETRIES = Retry(
    total=5,
    other=0,  # whom one does not trust, or who speaks no TLS, will be no better
    backoff_factor=0.1,  # waits of 0, 0.2, 0.4, 0.8 and 1.6 s
    status_forcelist=[HTTPStatus.SERVICE_UNAVAILABLE],
    allowed_methods=None,  # any: a prediction may be asked for twice
    raise_on_status=False,
    respect_retry_after_header=False,  # it may ask for more time than there is
)


class RestConnection:
    """A model on a server that speaks HTTP.

    Attributes:
        target: model that is asked.
        signature: name of the signature that is asked. It takes image files, which are smaller in
            JSON than numbers.
    """

    signature = "encoded"

    def __init__(self, target: Target, credentials: Credentials = NONE) -> None:
        self.target = target
        server, scheme = target.server, "https" if target.server.tls else "http"
        model = quote(target.model, safe="")
        self._url = f"{scheme}://{server.authority}{server.path}/v1/models/{model}"
        self._session = requests.Session()
        self._session.mount(f"{scheme}://", HTTPAdapter(max_retries=_RETRIES))
        self._credentials = _of_requests(credentials)

    def signatures(self) -> SignatureDefs:
        """The signatures of the model by name.

        Raises:
            UserError: if the server does not answer or has no such model.
        """
        return self._ask("GET", "/metadata", _read_signatures)

    def answers(self, task: PaddedTask) -> Answers:
        """Class probabilities, float32 [1 + Q or more, N or more], see `padding`.

        Raises:
            UserError: if the server does not answer or refuses the request.
        """
        inputs = {
            "support_images": [_encode(task.support_images)],
            "support_labels": [task.support_labels.tolist()],
            "query_images": [_encode(task.query_images)],
        }
        request = {"signature_name": self.signature, "inputs": inputs}
        return self._ask("POST", ":predict", _read_answers, request)

    def _ask(
        self, method: str, path: str, read: Callable[[Any], Any], request: dict | None = None
    ) -> Any:
        """What `read` takes out of the server's answer."""
        timeout = _Deadline(self.target.timeout)
        try:
            response = self._session.request(
                method, self._url + path, json=request, timeout=timeout, **self._credentials
            )
        except (requests.Timeout, _DeadlineExceededError) as error:
            raise self.target.late() from error
        except requests.RequestException as error:
            raise self.target.unavailable(str(_root_cause(error))) from error
        if not response.ok:
            raise self._explained(response)
        try:
            return read(response.json())
        except (LookupError, TypeError, ValueError, json_format.ParseError) as error:
            raise self.target.refused(_unlike_tensorflow_serving(response)) from error

    def _explained(self, response: requests.Response) -> UserError:
        reason = _reason(response)
        match response.status_code:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                return self.target.unauthorized(_status(response))
            case HTTPStatus.NOT_FOUND:
                return self.target.missing()
            case HTTPStatus.SERVICE_UNAVAILABLE:
                return self.target.unavailable(reason)
            case HTTPStatus.GATEWAY_TIMEOUT:
                return self.target.late()
            case HTTPStatus.TOO_MANY_REQUESTS:  # for RESOURCE_EXHAUSTED
                return self.target.too_large(reason)
            case _:
                return self.target.refused(reason)


class _DeadlineExceededError(Exception):
    """There is no time for one more attempt."""


class _Deadline(Timeout):
    """The time for all attempts of a request together; urllib3 gives it to each of them.

    A pause between two attempts is waited out, even if the time is over before.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(total=seconds)
        self._end = time.monotonic() + seconds

    def clone(self) -> Timeout:
        """The timeout of the next attempt."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise _DeadlineExceededError
        return Timeout(total=left)


class _Bearer(requests.auth.AuthBase):
    """A token in each request; as a mere header, one in ~/.netrc would take its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _of_requests(credentials: Credentials) -> dict[str, Any]:
    """Credentials as arguments of a request; as those of a session, variables would go before."""
    certificate = credentials.certificate_file
    return {
        "verify": str(credentials.ca_file) if credentials.ca_file else True,
        "cert": (str(certificate), str(credentials.key)) if certificate else None,
        "auth": _Bearer(credentials.token) if credentials.token else None,
    }


def _encode(images: np.ndarray) -> list[dict[str, str]]:
    """Images uint8 [n, H, W, 3] as PNG files in JSON, those of zeros as empty ones."""
    files = [tf.io.encode_png(image).numpy() if image.any() else b"" for image in images]
    return [{"b64": base64.b64encode(file).decode()} for file in files]


def _read_signatures(answer: Any) -> SignatureDefs:
    signatures = SignatureDefMap()
    json_format.ParseDict(
        answer["metadata"]["signature_def"], signatures, ignore_unknown_fields=True
    )
    return signatures.signature_def


def _read_answers(answer: Any) -> Answers:
    return Answers(*(_read_probabilities(answer, name) for name in Answers._fields))


def _read_probabilities(answer: Any, name: str) -> np.ndarray:
    probabilities = np.array(answer["outputs"][name], np.float32)
    if probabilities.ndim != 3:
        raise ValueError(f"{name} must have rank 3, got shape {probabilities.shape}.")
    return probabilities[0]


def _reason(response: requests.Response) -> str:
    """The server's words."""
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        answer = None
    match answer:
        case {"error": str(reason)}:
            return reason
        case _:
            return _unlike_tensorflow_serving(response)


def _unlike_tensorflow_serving(response: requests.Response) -> str:
    return f"{_status(response)}, and not as TensorFlow Serving does"


def _status(response: requests.Response) -> str:
    """Status of an answer, and what a gateway says of the token that it wants."""
    challenge = response.headers.get("WWW-Authenticate")
    return f"{response.status_code} {response.reason}" + (f": {challenge}" if challenge else "")


def _root_cause(error: BaseException) -> BaseException:
    while error.__context__:
        error = error.__context__
    return error
