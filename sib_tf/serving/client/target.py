"""Which model is asked, where, and what is said if it does not answer."""

import math
from dataclasses import dataclass, field

from sib_tf.base.errors import UserError
from sib_tf.serving.client.address import Address, parse

_REMEDY = (
    "start the server, or correct --server: gRPC and --rest have a port each, and a server that "
    "speaks TLS takes https://"
)
_REMEDY_WITH_TLS = (
    "start the server, or correct --server: gRPC and --rest have a port each; some servers ask for "
    "--certificate_file"
)
_UNTRUSTED = (
    "name who has signed the server's certificate by --ca_file, and the server by a name in it"
)
# By the words of OpenSSL, which BoringSSL has too, and of gRPC.
_REMEDIES = {
    "CERTIFICATE_VERIFY_FAILED": _UNTRUSTED,
    "Hostname Verification Check failed": _UNTRUSTED,
    "WRONG_VERSION_NUMBER": "no TLS is spoken there: leave https:// out, or correct the port",
    "_ALERT_": "give a certificate that the server accepts by --certificate_file",
}


@dataclass(frozen=True)
class Target:
    """A model on a server.

    Attributes:
        address: address of the server, as `address.parse` reads it.
        model: name of the model on the server.
        timeout: time for an answer in seconds.
        server: the parts of the address.

    Raises:
        UserError: if the address is malformed or the time not positive.
    """

    address: str
    model: str
    timeout: float
    server: Address = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "server", parse(self.address))
        if not 0 < self.timeout < math.inf:
            raise UserError(f"--timeout={self.timeout}: must be a positive number of seconds")

    def unavailable(self, reason: str) -> UserError:
        """The server does not answer, says that it is not available, or one side distrusts."""
        remedies = (remedy for words, remedy in _REMEDIES.items() if words in reason)
        default = _REMEDY_WITH_TLS if self.server.tls else _REMEDY
        return UserError(
            f"{self.address}: is not available ({_one_line(reason)}); {next(remedies, default)}"
        )

    def unauthorized(self, reason: str) -> UserError:
        """The server does not know the client, or does not let it ask."""
        return UserError(
            f"{self.address}: does not let you in ({_one_line(reason)}); give a token that is "
            "valid there by --token_file"
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


def _one_line(text: str) -> str:
    return " ".join(text.split())
