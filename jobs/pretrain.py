"""Pre-trains the backbone phi with a cosine classifier over the training classes.

    python -m jobs.pretrain --config=configs/glyphs.py --workdir=work/glyphs

Reads WORKDIR/data, writes WORKDIR/backbone. After a kill, the same command resumes it.

--strategy=multi_worker runs on every machine that TF_CONFIG names, with a --workdir that they share
(docs/scaling.md); the first one writes.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.experiments import families
from sib_tf.experiments.options import Options
from sib_tf.training.devices import cluster, strategies

from . import _app

_experiment = _app.define_experiment_flags()
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    strategies.ONE_DEVICE,
    strategies.NAMES,
    "Devices that share every batch: one; all GPUs of this machine (mirrored); or those of the "
    "machines that TF_CONFIG names (multi_worker). The result is the same up to rounding, since "
    "the loss is the mean over the whole batch and BatchNorm is synchronised.",
)


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished."""
    del argv  # There are only flags.
    experiment = _experiment()
    options = Options(strategy=_STRATEGY.value)
    steps = families.steps_of(experiment.config, "pretrain", options)
    if _STRATEGY.value == strategies.MULTI_WORKER and not cluster.from_environment().is_chief:
        for step in steps:
            experiment.assist(step)
    else:
        experiment.run(steps)


if __name__ == "__main__":
    _app.run(main)
