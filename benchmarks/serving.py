"""Latency of a served request, compared with the bare backbone on the same images.

    python -m benchmarks.serving

A request has 1 or 16 5-way 1-shot episodes with 75 queries of 32 pixels and is answered in process
by an exported Conv-4-64 with K = 3. "Bare" is a forward pass of the same phi on the same 80 images
per episode; the difference is the cost of checks, padding and the steps. phi takes one look at each
image, or ten (shifted and mirrored copies) as in configs/cifar_fs.py. Run it on an idle machine.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.in_turns import in_turns
from sib_tf import FewShotClassifier
from sib_tf.backbones import feature_network, registry
from sib_tf.report import markdown
from sib_tf.serving.export import export

_CALLS = flags.DEFINE_integer("calls", 100, "Timed calls of 80 images; one fifth for 1,280.", 5)

SIZE, WAY, QUERIES = 32, 5, 75
_HEADS = ("phi", "network", "episodes", "p50, ms", "p99, ms", "episodes/s", "bare, ms", "ratio")


def compare(looks: str, shift: int, kind: str, batch: int) -> list[str]:
    """Times one kind of request; returns its row of the table."""
    backbone = registry.build("conv4_64", image_size=SIZE)
    phi = feature_network.averaged(backbone, shift=shift, mirror=shift > 0)
    model = FewShotClassifier(WAY, phi.output_shape[-1], synthetic_gradient=kind)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, WAY + QUERIES, SIZE, SIZE, 3), np.uint8)
    inputs = {
        "support_images": tf.constant(images[:, :WAY]),
        "support_labels": tf.constant(np.tile(np.arange(WAY, dtype=np.int32), (batch, 1))),
        "query_images": tf.constant(images[:, WAY:]),
    }
    flat = tf.constant(images.reshape(-1, *images.shape[2:]))
    forward = tf.function(lambda images: phi(images, training=False))
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder) / "1", phi, model if kind == "dense" else model.for_any_way())
        served = tf.saved_model.load(str(Path(folder) / "1"))
        answer = served.signatures["serving_default"]
        calls = _CALLS.value if batch == 1 else _CALLS.value // 5
        requests, bare = in_turns(
            calls, lambda: answer(**inputs)["probabilities"].numpy(), lambda: forward(flat).numpy()
        )
    p50, p99 = 1e3 * np.percentile(requests, [50, 99])
    ratio = np.median(requests) / np.median(bare)
    rate = batch / np.median(requests)
    figures = (f"{p50:.1f}", f"{p99:.1f}", f"{rate:.0f}", f"{1e3 * np.median(bare):.1f}")
    return [looks, kind, str(batch), *figures, f"{ratio:.2f}"]


def main(argv: Sequence[str]) -> None:
    """Prints a table."""
    del argv
    rows = (
        compare(looks, shift, kind, batch)
        for looks, shift in (("one look", 0), ("ten looks", 2))
        for kind in ("dense", "set")
        for batch in (1, 16)
    )
    for line in markdown.lines(_HEADS, rows):
        print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
