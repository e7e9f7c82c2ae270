"""Meta-trains the synthetic gradient network, the initialization and what the decoder learns.

    python -m jobs.train --config=configs/glyphs.py --workdir=work/glyphs

Reads WORKDIR/features and WORKDIR/episodes, of which spinning lines need neither, and writes
WORKDIR/model. Killed, it goes on with the same command.
"""

from collections.abc import Sequence

from sib_tf.experiments import families

from . import _app

_experiment = _app.define_experiment_flags()


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished."""
    del argv  # The flags say it all.
    experiment = _experiment()
    experiment.run(families.steps_of(experiment.config, "train"))


if __name__ == "__main__":
    _app.run(main)
