"""Which model is asked, where, and what is said if it does not answer."""

import math
from dataclasses import dataclass
from urllib.parse import urlsplit

from sib_tf.base.errors import UserError


@dataclass(frozen=True)
class Target:
    """A model on a server.

    Attributes:
        address: HOST:PORT of the server.
        model: name of the model on the server.
        timeout: time for an answer in seconds.

    Raises:
        UserError: if the address is not of this form or the time not positive.
    """

    address: str
    model: str
    timeout: float

    def __post_init__(self) -> None:
        if not _is_address(self.address):
            raise UserError(
                f"--server={self.address}: is not of the form HOST:PORT, like localhost:8500"
            )
        if not 0 < self.timeout < math.inf:
            raise UserError(f"--timeout={self.timeout}: must be a positive number of seconds")

    def unavailable(self, reason: str) -> UserError:
        """The server does not answer, or says that it is not available."""
        return UserError(
            f"{self.address}: is not available ({_one_line(reason)}); start the server, or correct "
            "--server: gRPC and --rest have a port each"
        )

    def late(self) -> UserError:
        """The time is over."""
        return UserError(
            f"{self.address}: has not answered in {self.timeout:g} s; see that the server is up "
            "and not overloaded, or raise --timeout"
        )

    def missing(self) -> UserError:
        """The server does not know the model."""
        return UserError(
            f"{self.address}: serves no model {self.model!r}; correct --model, or publish a version"
        )

    def too_large(self, reason: str) -> UserError:
        """The server takes no message of that size."""
        return UserError(
            f"{self.address}: the request is too large ({_one_line(reason)}); classify fewer "
            "images at a time, or raise the limit of the server"
        )

    def other_signature(self, name: str, expected: str, found: str) -> UserError:
        """The model was not written by `jobs.export`."""
        return UserError(
            f"{self.address}: the signature {name!r} of the model {self.model!r} should be "
            f"{expected} but is {found}; name a model that jobs.export has written"
        )

    def refused(self, reason: str) -> UserError:
        """The server has another objection."""
        return UserError(
            f"{self.address}: the model {self.model!r} refuses the request: {_one_line(reason)}"
        )


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(f"//{address}")
        return parts.netloc == address and bool(parts.hostname and parts.port)
    except ValueError:  # the port is no number, or too large
        return False


def _one_line(text: str) -> str:
    return " ".join(text.split())
