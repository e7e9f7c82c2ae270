"""How the client handles arbitrary answers over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.serving.client.model import ServedModel
from sib_tf.serving.client.over_rest import RestConnection
from sib_tf.serving.client.padding import PaddedTask
from sib_tf.serving.client.target import Target

TASK = PaddedTask(
    np.ones([2, 4, 4, 3], np.uint8), np.array([-1, 0], np.int32), np.ones([2, 4, 4, 3], np.uint8)
)


@pytest.fixture
def connection_to():
    """A function that connects to a new server with one fixed answer; it stops after the test."""
    servers = []

    def connection_to(status, body):
        server = HTTPServer(("127.0.0.1", 0), handler(status, body))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        servers.append(server)
        return RestConnection(Target(f"127.0.0.1:{server.server_port}", "glyphs", timeout=10))

    yield connection_to
    for server in servers:
        server.shutdown()
        server.server_close()


def handler(status, body):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = answer  # noqa: N815 - of the base class

    return Handler


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"metadata": 1}',
        '{"metadata": {}}',
        '{"metadata": {"signature_def": null}}',
        '{"metadata": {"signature_def": {"signature_def": []}}}',
    ],
)
def test_malformed_metadata_are_refused(connection_to, body):
    with pytest.raises(UserError, match=r"refuses.*: 200 OK, and not as TensorFlow Serving does$"):
        connection_to(200, body).signatures()


@pytest.mark.parametrize("dtype", ["DT_FLOAT", "DT_OF_NOBODY", 999, None])
def test_a_signature_of_other_types_is_refused(connection_to, dtype):
    """The signature is that of an export except for one type."""

    def tensor(dtype, rank):
        return {"dtype": dtype, "tensor_shape": {"dim": [{"size": "16"}] * rank}}

    signature = {
        "inputs": {
            "support_images": tensor("DT_UINT8", 5),
            "support_labels": tensor("DT_INT32", 2),
            "query_images": tensor(dtype, 5),
        },
        "outputs": {
            name: tensor("DT_FLOAT", 3) for name in ("probabilities", "inductive_probabilities")
        },
    }
    metadata = {"signature_def": {"signature_def": {"serving_default": signature}}}
    connection = connection_to(200, json.dumps({"metadata": metadata}))
    with pytest.raises(UserError, match=r"'serving_default' of .* should be .* uint8 .* but is"):
        ServedModel(connection)


@pytest.mark.parametrize(
    "body",
    [
        '{"outputs": [[1]]}',
        '{"outputs": {}}',
        '{"outputs": {"probabilities": []}}',
        '{"outputs": {"probabilities": [1]}}',
        '{"outputs": {"probabilities": [[[1], [1, 0]]]}}',
        '{"outputs": {"probabilities": [[["x"]]]}}',
    ],
)
def test_malformed_outputs_are_refused(connection_to, body):
    with pytest.raises(UserError, match=r"refuses.*: 200 OK, and not as TensorFlow Serving does$"):
        connection_to(200, body).answers(TASK)


@pytest.mark.parametrize("error", [None, 1, ["a"], {"a": "b"}])
def test_an_error_that_is_not_text_is_refused(connection_to, error):
    connection = connection_to(400, json.dumps({"error": error}))
    with pytest.raises(UserError, match=r"400 Bad Request, and not as TensorFlow Serving does$"):
        connection.answers(TASK)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, r"'glyphs' refuses the request: some words$"),
        (404, r"serves no model 'glyphs'"),
        (429, r"the request is too large \(some words\)"),
        (504, r"has not answered in 10 s"),
    ],
)
def test_the_status_says_what_is_wrong(connection_to, status, words):
    with pytest.raises(UserError, match=words):
        connection_to(status, '{"error": "some\\nwords"}').answers(TASK)
