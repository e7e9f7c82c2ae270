"""Milliseconds of a meta-training step through the real input pipeline.

    python -m benchmarks.meta_training

A step has one 5-way 1-shot episode of 80 examples, K = 3 and the paper's network, for two feature
sizes: D = 256 (Conv-4-64 at 32 px) and D = 640 (WRN-28-10). Features are random; everything else is
as in `jobs.train`. Also prints the peak memory of the process. Run it on an idle machine.
"""

import resource
import statistics
import time
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from sib_tf import FewShotClassifier
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.batches import training_batches
from sib_tf.few_shot.episodes.reader import draw_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class
from sib_tf.training.meta_training import Settings, compiled

_RUNS = flags.DEFINE_integer("runs", 7, "Timed runs, after an untimed one.", 1)
_STEPS = flags.DEFINE_integer("steps", 5000, "Steps of a run, a multiple of 100.", 100)
_VIEWS = flags.DEFINE_integer("views", 10, "Views of each of the 38,400 images.", 1)
_DIMS = flags.DEFINE_multi_integer("dim", [256, 640], "Feature sizes D.")


def seconds_per_step(dim: int) -> list[float]:
    """Seconds per step of each timed run of `fit`, without compilation."""
    labels = np.repeat(np.arange(64), 600)
    rng = np.random.default_rng(0)
    features = rng.standard_normal((_VIEWS.value, len(labels), dim), dtype=np.float32)
    spec = EpisodeSpec(way=5, shot=1, queries=75)
    groups = examples_by_class(labels, spec, [str(n) for n in range(64)], "train")
    settings = Settings(
        steps=_STEPS.value, steps_per_epoch=_STEPS.value, learning_rate=1e-3, l2=5e-4
    )
    batches = training_batches(
        FeatureTable(features, labels),
        draw_table(groups, spec, range(1000), seed=0, stream="train"),
        steps_per_call=settings.steps_per_call,
        episodes_per_step=settings.episodes_per_step,
        seed=0,
    )
    trainer = compiled(FewShotClassifier(way=5, feature_dim=dim), settings)
    times = []
    for _ in range(_RUNS.value + 1):
        start = time.perf_counter()
        calls = settings.steps // settings.steps_per_call
        trainer.fit(batches, steps_per_epoch=calls, verbose=0)
        times.append((time.perf_counter() - start) / settings.steps)
    return times[1:]


def main(argv: Sequence[str]) -> None:
    """Prints a line for each feature size."""
    del argv
    for dim in _DIMS.value:
        times = [1e3 * t for t in seconds_per_step(dim)]
        print(
            f"D = {dim}: {statistics.median(times):.3f} ms a step "
            f"(min {min(times):.3f}, max {max(times):.3f}, {len(times)} runs), "
            f"peak memory of the process so far {_peak_memory():.2f} GiB"
        )


def _peak_memory() -> float:
    """Peak memory of the process in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    app.run(main)
