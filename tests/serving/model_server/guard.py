"""What stands before a server outside a laptop: TLS, and a token."""

import dataclasses
import ssl
from pathlib import Path

EXPIRED = "The token has expired"


@dataclasses.dataclass(frozen=True)
class Guard:
    """TLS, the token "Bearer good" where one is asked for, and a path before the REST API.

    Attributes:
        certificate_file: the server's certificate, PEM.
        key_file: its private key, PEM.
        client_ca_file: who must have signed a client's certificate, PEM; None: clients need none.
        token: whether clients need a token.
        path: what comes before "/v1" in requests by HTTP.
    """

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    token: bool = False
    path: str = ""

    def refusal(self, authorization: str | None) -> str | None:
        """Why a client is not let in; None if it is."""
        if not self.token or authorization == "Bearer good":
            return None
        return EXPIRED if authorization == "Bearer old" else "A token is needed"

    def context(self) -> ssl.SSLContext:
        """TLS of an HTTPS server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.client_ca_file)
        context.load_cert_chain(self.certificate_file, self.key_file)
        if self.client_ca_file:
            context.verify_mode = ssl.CERT_REQUIRED
        return context
