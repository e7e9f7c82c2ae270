"""Test accuracy with phi pre-trained in float32 and in bfloat16, over many seeds of glyphs.

    python -m benchmarks.precision --workdir=work/precision

A seed determines weights, augmentation and episodes, the same for both precisions. Single trainings
vary by far more than the interval of their evaluation, so compare the mean difference over seeds.
Steps that are finished in the working directory are not run again.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from absl import app, flags
from scipy import stats

from configs import glyphs
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.report import markdown
from sib_tf.training.pretraining_settings import PRECISIONS

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of all trainings.", required=True)
_SEEDS = flags.DEFINE_integer("seeds", 16, "Number of seeds.", 2)


def accuracies(workdir: Path, seed: int, precision: str) -> list[float]:
    """Trains and evaluates: mean accuracy on the test episodes for K = 0, 1, ..., in percent."""
    config = glyphs.get_config()
    config.meta = glyphs.get_config("tiny").meta  # the paper's network
    config.seed, config.phi.precision = seed, precision
    config.eval.query_shares = ("balanced",)
    checked = families.read(config)
    execute(families.steps_of(config, "build_dataset")[0], checked, workdir)
    run = workdir / f"{precision}-{seed}"
    run.mkdir(exist_ok=True)
    if not (run / "data").exists():
        (run / "data").symlink_to((workdir / "data").resolve())
    for step in families.steps(config):
        execute(step, checked, run)
        if step.name == "evaluate":
            break
    keras.utils.clear_session()
    rows = json.loads((run / "evaluation" / "report.json").read_text())["results"]
    return [100 * row["accuracy"] for row in rows if row["method"] == "sib"]


def main(argv: Sequence[str]) -> None:
    """Prints a row per K: means, standard deviations, 95 % interval of the mean difference."""
    del argv
    workdir = Path(_WORKDIR.value)
    workdir.mkdir(parents=True, exist_ok=True)
    first, second = PRECISIONS
    of_first, of_second = (
        np.array([accuracies(workdir, seed, precision) for seed in range(_SEEDS.value)])
        for precision in (first, second)
    )
    low, high = stats.ttest_rel(of_second, of_first).confidence_interval()
    rows = []
    for steps in range(len(low)):
        cells = [
            f"{a.mean():.1f} (sd {a.std(ddof=1):.1f})"
            for a in (of_first[:, steps], of_second[:, steps])
        ]
        cells.append(f"{(low + high)[steps] / 2:+.1f} +- {(high - low)[steps] / 2:.1f}")
        rows.append([str(steps), *cells])
    print(markdown.table(["K", first, second, f"{second} - {first}"], rows))


if __name__ == "__main__":
    app.run(main)
