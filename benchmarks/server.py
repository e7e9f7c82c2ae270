"""Latency of requests to a model server that has the ready model.

    python -m benchmarks.server

A request has 5 photographs of each of 5 classes and 75 to classify, uint8 at 160 pixels, and comes
by gRPC to the server of the tests in another process, which batches as docs/serving.md says.
"Refused" is one with a query more than the model allows. "Bare" is a forward pass of phi on the
same 100 images in this process, while the server has nothing to do. Run it on an idle machine.
"""

import multiprocessing
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.in_turns import in_turns
from benchmarks.ready_model import export_ready_model
from sib_tf.base.errors import UserError
from sib_tf.report import markdown
from sib_tf.serving.client.model import ServedModel, connect
from sib_tf.serving.predict.image_task import ImageTask
from tests.serving.model_server import ModelServer

_CALLS = flags.DEFINE_integer("calls", 100, "Timed calls of each kind, interleaved.", 5)

NAME, WAY, SHOT, QUERIES = "photographs", 5, 5, 75
BATCHING = Path("configs/serving/batching.config")
START = 120.0  # seconds that the server may take to load the model


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def serve(base: str, port: int) -> None:
    """Serves the model until the process is terminated."""
    server = ModelServer(Path(base), NAME, port, free_port(), batching=BATCHING.read_text())
    try:
        multiprocessing.Event().wait()
    finally:
        server.stop()


def connected(address: str) -> ServedModel:
    """The model, once the server has loaded it."""
    end = time.monotonic() + START
    while True:
        try:
            return connect(address, NAME, timeout=30.0)
        except UserError:
            if time.monotonic() > end:
                raise


def task(size: tuple[int, int], queries: int) -> ImageTask:
    """A task of noise."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (WAY * SHOT + queries, *size, 3), np.uint8)
    return ImageTask(
        class_names=tuple(map(str, range(WAY))),
        support_images=images[: WAY * SHOT],
        support_labels=np.repeat(np.arange(WAY, dtype=np.int32), SHOT),
        query_images=images[WAY * SHOT :],
    )


def measure(base: Path, port: int) -> dict[str, np.ndarray]:
    """Milliseconds of each kind of call."""
    phi = export_ready_model(base / "1", max_queries=QUERIES)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(str(base), port))
    process.start()
    try:
        model = connected(f"127.0.0.1:{port}")
        taken, refused = (task(model.image_size, queries) for queries in (QUERIES, QUERIES + 1))
        images = tf.constant(np.concatenate([taken.support_images, taken.query_images]))
        forward = tf.function(lambda images: phi(images, training=False))

        def refuse() -> None:
            try:
                model.classify(refused)
            except UserError:
                return
            raise AssertionError("the server has classified more queries than it may")

        calls = {
            "answered": lambda: model.classify(taken),
            "refused": refuse,
            "bare": lambda: forward(images).numpy(),
        }
        seconds = in_turns(_CALLS.value, *calls.values())
        return {name: 1e3 * of_kind for name, of_kind in zip(calls, seconds, strict=True)}
    finally:
        process.terminate()
        process.join()


def main(argv: Sequence[str]) -> None:
    """Prints a table."""
    del argv
    with tempfile.TemporaryDirectory() as base:
        times = measure(Path(base), free_port())
    rows = [
        [name, *(f"{value:,.1f}" for value in np.percentile(taken, [50, 99]))]
        for name, taken in times.items()
    ]
    for line in markdown.lines(("request", "p50, ms", "p99, ms"), rows):
        print(line)


if __name__ == "__main__":
    app.run(main)
