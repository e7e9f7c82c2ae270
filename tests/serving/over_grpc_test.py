"""Requests that gRPC cannot send."""

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.serving.client.over_grpc import GrpcConnection
from sib_tf.serving.client.padding import PaddedTask
from sib_tf.serving.client.target import Target


@pytest.mark.parametrize(
    ("support", "query"),
    [(1, 2**11), (2**10, 2**10)],
    ids=["an input of 2 GiB", "inputs of 2 GiB together"],
)
def test_a_request_of_2_gib_is_too_large(support, query):
    mib = np.zeros([], np.uint8)  # repeated without memory
    task = PaddedTask(
        np.broadcast_to(mib, [support, 2**10, 2**10, 1]),
        np.zeros(support, np.int32),
        np.broadcast_to(mib, [query, 2**10, 2**10, 1]),
    )
    connection = GrpcConnection(Target("localhost:8500", "glyphs", timeout=1))
    with pytest.raises(UserError, match=r"too large \(214\d{7} bytes, .*fewer images"):
        connection.answers(task)
