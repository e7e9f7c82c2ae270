"""The address of a server, as users write it."""

import dataclasses
import re

from sib_tf.base.errors import UserError

_FORM = re.compile(
    r"(?P<tls>https://)?(?P<host>[\w.-]+|\[[\da-fA-F:.]+\])(?::(?P<port>\d+))?(?P<path>/[\w./~%-]*)?"
)
_TLS_PORT = 443
_PORTS = range(1, 2**16)


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        authority: HOST:PORT.
        tls: whether it speaks TLS.
        path: what comes before "/v1" in a request by HTTP, "/PATH" or empty.
    """

    authority: str
    tls: bool
    path: str


def parse(text: str) -> Address:
    """Reads HOST:PORT or, of a server that speaks TLS, https://HOST[:PORT][/PATH].

    Raises:
        UserError: if the text is neither.
    """
    found = _FORM.fullmatch(text)
    if found:
        tls, path = bool(found["tls"]), (found["path"] or "").rstrip("/")
        port = int(found["port"] or (_TLS_PORT if tls else 0))
        if port in _PORTS and (tls or not found["path"]):
            return Address(f"{found['host']}:{port}", tls, path)
    raise UserError(
        f"--server={text}: is not of the form HOST:PORT, like localhost:8500, or https://HOST:PORT "
        "if the server speaks TLS, with --rest also https://HOST/PATH"
    )
