r"""Copies the results of a finished experiment to where they can be committed.

    python -m jobs.publish --config=configs/cifar_fs_conv4_64.py:1 --base=work/cifar_fs \
        --workdir=work/cifar_fs/1shot --output=results/cifar_fs_conv4_64-1shot

Writes OUTPUT/report.json: the report of `jobs.evaluate` with the command, config, package versions,
machine and seconds behind it; and with --weights the backbone and the task model, from which
`jobs.pipeline --weights=OUTPUT` evaluates without training.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from jobs import _app
from sib_tf import publishing

_experiment = _app.define_experiment_flags()
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write.", required=True)
_WEIGHTS = flags.DEFINE_boolean("weights", False, "Whether to copy the weights too.")


def main(argv: Sequence[str]) -> None:
    """Publishes the report of a finished experiment."""
    del argv
    experiment = _experiment()
    publishing.publish(
        Path(_OUTPUT.value),
        workdir=experiment.workdir,
        base=experiment.base,
        command=_command(),
        weights=_WEIGHTS.value,
    )


def _command() -> str:
    """The command that runs the experiment, less what is true of this machine alone."""
    holder = flags.FLAGS["config"]
    overrides = config_flags.get_override_values(holder)
    changed = [f"--config.{k}={v}" for k, v in sorted(overrides.items()) if k != "manual_dir"]
    config = f"--config={config_flags.get_config_filename(holder)}"
    return shlex.join(["python", "-m", "jobs.pipeline", config, *changed])


if __name__ == "__main__":
    _app.run(main)
