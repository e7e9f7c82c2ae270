"""By what a client knows a server that speaks TLS, and by what the server knows the client."""

import dataclasses
import re
import ssl
from pathlib import Path

from sib_tf.base.errors import UserError, first_line

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750


@dataclasses.dataclass(frozen=True)
class Credentials:
    """Files that are not sent over a connection without TLS.

    Attributes:
        ca_file: certificates of the authorities to trust, PEM; None: those of the library.
        certificate_file: the client's certificate with those that it is signed with, PEM; None if
            the server asks for none.
        key_file: its private key, PEM, not encrypted; None: it is in the file of the certificate.
        token_file: a bearer token, such as Cloud Run asks for; None: without.

    Raises:
        UserError: if a file cannot be read or holds something else; names it.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    token_file: Path | None = None
    token: str | None = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.key_file and not self.certificate_file:
            raise UserError("--key_file is the key of a certificate: name --certificate_file.")
        _check_authorities(self.ca_file)
        _check_certificate(self.certificate_file, self.key)
        object.__setattr__(self, "token", _read_token(self.token_file))

    @property
    def key(self) -> Path | None:
        """The file of the private key; None if there is no certificate."""
        return self.key_file or self.certificate_file


def _check_authorities(file: Path | None) -> None:
    if file is None:
        return
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        raise UserError(
            f"--ca_file={file}: cannot be read ({first_line(error)}); name a PEM file of "
            "certificates"
        ) from error


def _check_certificate(file: Path | None, key: Path | None) -> None:
    if file is None:
        return
    try:
        # OpenSSL would ask a terminal for the password of an encrypted key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(file, key, password="")
    except OSError as error:
        raise UserError(
            f"--certificate_file={file}: cannot be used with the key in {key} "
            f"({first_line(error)}); name PEM files of a certificate and of its key, unencrypted"
        ) from error


def _read_token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--token_file={file}: cannot be read ({first_line(error)})") from error
    if not _TOKEN.fullmatch(token):
        raise UserError(f"--token_file={file}: holds no bearer token, or more than that")
    return token


NONE = Credentials()
