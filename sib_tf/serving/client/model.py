"""A model behind TensorFlow Serving, with the interface of `ExportedModel`."""

from typing import Protocol

from sib_tf.base.errors import UserError
from sib_tf.serving.client import signatures, task_checks
from sib_tf.serving.client.credentials import NONE, Credentials
from sib_tf.serving.client.over_grpc import GrpcConnection
from sib_tf.serving.client.over_rest import RestConnection
from sib_tf.serving.client.padding import PaddedTask, pad, unpad
from sib_tf.serving.client.signatures import SignatureDefs
from sib_tf.serving.client.target import Target
from sib_tf.serving.exported_model import Answers
from sib_tf.serving.predict.image_task import ImageTask


class Connection(Protocol):
    """A way to ask a model on a server."""

    target: Target
    signature: str

    def signatures(self) -> SignatureDefs:
        """The signatures of the model by name."""

    def answers(self, task: PaddedTask) -> Answers:
        """Class probabilities, float32 [1 + Q or more, N or more], see `padding`."""


class ServedModel:
    """A model on a server that classifies the query of a task given its support.

    Attributes:
        image_size: height and width of the images that the model takes, in pixels.
        num_classes: number of classes that the model tells apart; None if any number.
    """

    def __init__(self, connection: Connection) -> None:
        """Asks the server about the model.

        Raises:
            UserError: if the server does not answer, has no such model or one of other signatures.
        """
        found = connection.signatures()
        for name in ("serving_default", connection.signature):
            signatures.check(connection.target, found, name)
        self.image_size: tuple[int, int] = signatures.image_size(connection.target, found)
        self.num_classes: int | None = signatures.num_classes(found)
        self._connection = connection

    def classify(self, task: ImageTask) -> Answers:
        """Classifies every query image.

        Raises:
            UserError: if the model does not take the task, the server does not answer or refuses.
        """
        task_checks.check(task, self.image_size, self.num_classes)
        return unpad(self._connection.answers(pad(task)), task)


def connect(
    address: str,
    model: str,
    *,
    timeout: float,
    rest: bool = False,
    credentials: Credentials = NONE,
) -> ServedModel:
    """Finds a model on a server.

    A server that is not available is asked again, with growing pauses, for some three seconds.

    Args:
        address: HOST:PORT of the server; https://HOST:PORT, by HTTP also https://HOST/PATH, if it
            speaks TLS.
        model: name of the model on the server, of which the newest version is taken.
        timeout: time for each answer in seconds, attempts and pauses included.
        rest: whether to ask by HTTP instead of gRPC; each has a port of its own.
        credentials: what tells a server that speaks TLS and its client who the other is.

    Raises:
        UserError: if the address is malformed, the server does not answer, is not trusted or does
            not let the client in, or it has no such model or one that is no export.
    """
    target = Target(address, model, timeout)
    if credentials != NONE and not target.server.tls:
        raise UserError(
            f"--server={address}: certificates and tokens are for TLS alone: write https://{address}"
        )
    connection = RestConnection if rest else GrpcConnection
    return ServedModel(connection(target, credentials))
