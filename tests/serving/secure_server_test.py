"""Servers as they run outside a laptop: with TLS, certificates of clients, tokens and paths."""

import dataclasses
from contextlib import ExitStack

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.serving.client.credentials import Credentials
from sib_tf.serving.client.model import connect
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict.prediction import PREDICTIONS_FILE
from tests.running import job, unused_port
from tests.serving.certificates import Authority, encrypted
from tests.serving.model_server import ModelServer
from tests.serving.model_server.guard import EXPIRED, Guard
from tests.serving.small_served import (
    NAME,
    task,
    when_loaded,
    write_images,
    write_version,
)

PROTOCOLS = pytest.mark.parametrize("rest", [False, True], ids=["grpc", "rest"])
PATH = "/teams/few-shot"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("secure")


@pytest.fixture(scope="module")
def ours(folder):
    """The authority that has signed our server."""
    return Authority(folder, "ours")


@pytest.fixture(scope="module")
def theirs(folder):
    """An authority that nobody here trusts."""
    return Authority(folder, "theirs")


@pytest.fixture(scope="module")
def token(folder):
    """A function that writes a token into a file."""

    def token(text):
        file = folder / f"{len(text)}-{text.strip()}.token"
        file.write_text(text)
        return file

    return token


@pytest.fixture(scope="module")
def base(folder):
    write_version(folder / "model/1")
    return folder / "model"


@pytest.fixture(scope="module")
def start(base, ours):
    """A function that starts a server; all stop after the tests."""
    with ExitStack() as stack:

        def start(pair, **options):
            ports = unused_port(), unused_port()
            guard = pair and Guard(pair.certificate_file, pair.key_file, **options)
            stack.callback(ModelServer(base, NAME, *ports, guard=guard).stop)
            return lambda rest: f"127.0.0.1:{ports[rest]}"

        yield start


@pytest.fixture(scope="module")
def asking_for_tokens(start, ours):
    return start(ours.sign("with_tokens"), token=True, path=PATH)


@pytest.fixture(scope="module")
def asking_for_certificates(start, ours):
    return start(ours.sign("with_clients"), client_ca_file=ours.file)


def ask(address, rest, path="", **files):
    """Classifies a task by a server, once it has loaded its model."""
    url = f"https://{address(rest)}{path if rest else ''}"
    credentials = Credentials(**files)
    model = when_loaded(lambda: connect(url, NAME, timeout=60, rest=rest, credentials=credentials))
    return model.classify(task())


def refusal(*args, **options):
    """The one line that says why a server is not asked."""
    with pytest.raises(UserError) as error:
        ask(*args, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@PROTOCOLS
def test_a_server_with_a_token_and_a_path_answers(asking_for_tokens, base, ours, token, rest):
    found = ask(asking_for_tokens, rest, PATH, ca_file=ours.file, token_file=token("good\n"))
    np.testing.assert_allclose(found, ExportedModel(base / "1").classify(task()), atol=1e-5)


@PROTOCOLS
def test_a_client_shows_its_certificate(asking_for_certificates, base, ours, rest, tmp_path):
    client = ours.sign("client")
    files = dataclasses.asdict(client)
    found = ask(asking_for_certificates, rest, ca_file=ours.file, **files)
    np.testing.assert_allclose(found, ExportedModel(base / "1").classify(task()), atol=1e-5)
    both = tmp_path / "both.pem"
    both.write_bytes(client.certificate_file.read_bytes() + client.key_file.read_bytes())
    ask(asking_for_certificates, rest, ca_file=ours.file, certificate_file=both)


@PROTOCOLS
def test_a_token_that_is_not_accepted_is_told(asking_for_tokens, ours, token, rest):
    for files, words in (({}, "A token is needed"), ({"token_file": token("old")}, EXPIRED)):
        line = refusal(asking_for_tokens, rest, PATH, ca_file=ours.file, **files)
        status = "401 Unauthorized: Bearer" if rest else "UNAUTHENTICATED"
        assert f": does not let you in ({status}" in line
        assert words in line
        assert line.endswith("by --token_file")


def test_another_path_is_told(asking_for_tokens, ours, token):
    line = refusal(asking_for_tokens, True, "", ca_file=ours.file, token_file=token("good"))
    assert "refuses the request: Malformed request: GET /v1/models/" in line


@pytest.mark.slow
@PROTOCOLS
def test_a_server_that_is_not_trusted_is_told(asking_for_tokens, theirs, token, rest):
    for files in ({}, {"ca_file": theirs.file}):
        line = refusal(asking_for_tokens, rest, PATH, token_file=token("good"), **files)
        assert "CERTIFICATE_VERIFY_FAILED" in line
        assert "; name who has signed the server's certificate by --ca_file" in line


@pytest.mark.slow
@PROTOCOLS
@pytest.mark.parametrize(
    ("certificate", "words"),
    [({"days": -1}, "has expired"), ({"address": "10.0.0.1"}, r"mismatch|Hostname Verification")],
    ids=["expired", "of another server"],
)
def test_a_certificate_that_does_not_hold_is_told(start, ours, certificate, words, rest):
    server = start(ours.sign("bad", **certificate))
    with pytest.raises(UserError, match=rf"is not available \(.*({words}).*; name who has signed"):
        ask(server, rest, ca_file=ours.file)


@pytest.mark.slow
@PROTOCOLS
def test_a_client_that_is_not_trusted_is_told(asking_for_certificates, ours, theirs, rest):
    stranger = dataclasses.asdict(theirs.sign("stranger"))
    for files in ({}, stranger):
        line = refusal(asking_for_certificates, rest, ca_file=ours.file, **files)
        assert line.endswith("--certificate_file")


@pytest.mark.slow
@PROTOCOLS
def test_who_speaks_no_tls_is_told(start, asking_for_tokens, ours, rest):
    line = refusal(start(None), rest, ca_file=ours.file)
    assert line.endswith("; no TLS is spoken there: leave https:// out, or correct the port")
    with pytest.raises(UserError, match=r"; .* and a server that speaks TLS takes https://$"):
        connect(asking_for_tokens(rest), NAME, timeout=60, rest=rest)


def test_grpc_has_no_path():
    with pytest.raises(UserError, match=r"^--server=https://a/b: has a path, which gRPC does not"):
        connect("https://a/b", NAME, timeout=1)


def test_nothing_secret_is_sent_without_tls(token):
    credentials = Credentials(token_file=token("good"))
    with pytest.raises(UserError, match=r"^--server=localhost:1: .* write https://localhost:1$"):
        connect("localhost:1", NAME, timeout=1, credentials=credentials)
    assert "good" not in repr(credentials).replace(str(credentials.token_file), "")


def test_files_that_hold_something_else_are_named(ours, theirs, token, tmp_path):
    absent, client, other = tmp_path / "absent", ours.sign("c"), theirs.sign("d")
    keys = r"name PEM files of a certificate and of its key, unencrypted$"
    for files, words in (
        ({"ca_file": absent}, rf"^--ca_file={absent}: cannot be read \(.*No such file"),
        ({"ca_file": token("x")}, r"^--ca_file=.*: cannot be read .*; name a PEM file"),
        ({"certificate_file": absent}, rf"^--certificate_file={absent}: .*No such file"),
        ({"certificate_file": client.certificate_file}, keys),
        ({"certificate_file": client.certificate_file, "key_file": other.key_file}, keys),
        (dataclasses.asdict(encrypted(client)), keys),
        ({"key_file": client.key_file}, r"^--key_file is the key of .*: name --certificate_file\."),
        ({"token_file": absent}, rf"^--token_file={absent}: cannot be read \(.*No such file"),
        ({"token_file": token("two words")}, r"^--token_file=.*: holds no bearer token"),
        ({"token_file": token("")}, r"^--token_file=.*: holds no bearer token"),
    ):
        with pytest.raises(UserError, match=words):
            Credentials(**files)


@pytest.mark.slow
def test_the_job_asks_a_secure_server(asking_for_tokens, ours, token, tmp_path):
    write_images(tmp_path, task((1, 2), queries=3))
    ask(asking_for_tokens, True, PATH, ca_file=ours.file, token_file=token("good"))
    args = [f"--{name}={tmp_path / name}" for name in ("support", "query", "output")]
    args += [f"--server=https://{asking_for_tokens(True)}{PATH}", "--rest", f"--model={NAME}"]
    args += [f"--ca_file={ours.file}"]
    result = job("predict", *args, f"--token_file={token('old')}")
    (line,) = result.stderr.splitlines()
    assert "does not let you in (401 Unauthorized: Bearer" in line
    assert (result.returncode, result.stdout) == (1, "")
    result = job("predict", *args, f"--token_file={token('good')}")
    assert result.stdout.startswith("Classified 3 images"), result.stderr
    assert (tmp_path / "output" / PREDICTIONS_FILE).exists()
