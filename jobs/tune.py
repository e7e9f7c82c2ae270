r"""Searches for the config values that do best on validation episodes, with keras-tuner.

    python -m jobs.tune --config=configs/cifar_fs.py:conv4_64,shot=1 --workdir=work/1shot \
        --space=configs/search/few_shot.py --algorithm=bayesian --trials=40

Reads WORKDIR/features and WORKDIR/episodes, writes WORKDIR/search/ALGORITHM-TRIALS: trials.md and
trials.json, a table of all trials, and best.py, a config for `--config=`. Test episodes are not
used. After a kill, the same command resumes it.

Several processes can share one search, each with the same flags and keras-tuner's variables:
KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, where the chief listens, and KERASTUNER_TUNER_ID,
which is "chief" for the one that runs no trials and another name for each worker. All share
WORKDIR.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.base import storage
from sib_tf.search import space, step, tuner

from . import _app, _configs

_experiment = _app.define_experiment_flags()
_SPACE = flags.DEFINE_string("space", None, "Python file that says what to vary.", required=True)
_ALGORITHM = flags.DEFINE_enum("algorithm", "random", tuner.ALGORITHMS, "What chooses the trials.")
_TRIALS = flags.DEFINE_integer(
    "trials", 30, "Number of trials; `hyperband` derives it from the epochs of the config.", 1
)


def main(argv: Sequence[str]) -> None:
    """Searches, or as a worker runs trials for a chief."""
    del argv  # There are only flags.
    experiment = _experiment()
    searched = space.read(storage.local(_configs.resolved(_SPACE.value)))
    steps = step.steps(experiment.config, searched, _ALGORITHM.value, _TRIALS.value)
    if tuner.role() == "worker":
        tuner.wait_for_chief()
        experiment.assist(steps[-1])
    else:
        experiment.run(steps)


if __name__ == "__main__":
    _app.run(main)
