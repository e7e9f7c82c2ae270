r"""Copies the results of a finished experiment to where they can be committed.

    python -m jobs.publish --config=configs/cifar_fs.py:conv4_64,shot=1 --base=work/cifar_fs \
        --workdir=work/cifar_fs/1shot --output=results/cifar_fs_conv4_64-1shot

Writes OUTPUT/report.json: the report of `jobs.evaluate`, in it that of a grid, with the command,
config, package versions, machines and seconds behind it; and with --weights the backbone, if there
is one, and the task model. `jobs.pipeline --weights=OUTPUT` evaluates those of few-shot
classification.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from sib_tf.base import storage
from sib_tf.experiments import families, publishing

from . import _app, _configs

_experiment = _app.define_experiment_flags()
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write.", required=True)
_WEIGHTS = flags.DEFINE_boolean("weights", False, "Whether to copy the weights too.")


def main(argv: Sequence[str]) -> None:
    """Publishes the report of a finished experiment."""
    del argv
    experiment = _experiment()
    output = storage.local(_OUTPUT.value)
    steps = families.steps_of(experiment.config, "evaluate")
    publishing.publish(
        output,
        workdir=experiment.workdir,
        base=experiment.base,
        config=families.read(experiment.config),
        evaluations=[step for step in steps if step.report],
        command=_command(output),
        weights=_weights(experiment) if _WEIGHTS.value else (),
    )


def _weights(experiment: _app.Experiment) -> list[Path]:
    return families.weights(experiment.config, experiment.workdir, experiment.base)


def _command(output: Path) -> str:
    """The command that runs the experiment, with the folders of this machine replaced."""
    holder = flags.FLAGS["config"]
    overrides = config_flags.get_override_values(holder)
    changed = [f"--config.{k}={v}" for k, v in sorted(overrides.items()) if k != "manual_dir"]
    config = f"--config={_configs.name_of(config_flags.get_config_filename(holder))}"
    workdir = f"--workdir=work/{output.name}"
    return shlex.join(["python", "-m", "jobs.pipeline", config, *changed, workdir])


if __name__ == "__main__":
    _app.run(main)
