"""Time and memory of the steps against the number of queries.

    python -m benchmarks.queries

An exported general head (K = 5, untrained, which computes the same) classifies an episode of 20
classes from 256 features of each image; phi is left out. Each number of queries has a process of
its own. Memory is the most that the process holds less what it held before the requests. Run it on
an idle Linux machine.
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.memory import forget_the_most, memory_mib
from sib_tf import FewShotClassifier
from sib_tf.backbones import registry
from sib_tf.report import markdown
from sib_tf.serving.export import export

_QUERIES = flags.DEFINE_multi_integer("queries", [75, 1000, 10_000], "Numbers of queries.", 1)

WAY, SHOT, CALLS = 20, 5, 5


def measure(model: str, queries: int) -> tuple[float, float]:
    """Median seconds of a request without the first, and its memory in MiB."""
    answer = tf.saved_model.load(model).signatures["features"]
    rng = np.random.default_rng(0)
    dim = answer.structured_input_signature[1]["query_features"].shape[-1]

    def features(count: int) -> tf.Tensor:
        return tf.constant(rng.random((1, count, dim), np.float32))

    support = {
        "support_features": features(WAY * SHOT),
        "support_labels": tf.constant(np.repeat(np.arange(WAY, dtype=np.int32), SHOT)[np.newaxis]),
    }
    answer(**support, query_features=features(2))
    query, seconds = features(queries), []
    forget_the_most()
    before = memory_mib("VmRSS")
    for _ in range(CALLS):
        start = time.perf_counter()
        answer(**support, query_features=query)["labels"].numpy()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:]), memory_mib("VmHWM") - before


def rows(model: str) -> Iterator[list[str]]:
    """A row for each number of queries."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for queries in _QUERIES.value:
            seconds, memory = pool.apply(measure, (model, queries))
            yield [f"{queries:,}", f"{1e3 * seconds:,.0f}", f"{memory:,.0f}"]


def main(argv: Sequence[str]) -> None:
    """Prints a table."""
    del argv
    phi = registry.build("conv4_64", image_size=32)
    head = FewShotClassifier(
        None,
        None,
        num_steps=5,
        step_size=0.075,
        synthetic_gradient="general",
        initialization="class_means",
    )
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "1"
        export(model, phi, head)
        for line in markdown.lines(["queries", "ms", "MiB"], rows(str(model))):
            print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
