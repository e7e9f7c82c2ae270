"""Meta-trains the synthetic gradient network, the initialization and what the decoder learns.

    python -m jobs.train --config=configs/glyphs.py --workdir=work/glyphs

Reads WORKDIR/features and WORKDIR/episodes (spinning lines need neither), writes WORKDIR/model.
After a kill, the same command resumes it.
"""

from collections.abc import Sequence

from sib_tf.experiments import families

from . import _app

_experiment = _app.define_experiment_flags()


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished."""
    del argv  # There are only flags.
    experiment = _experiment()
    experiment.run(families.steps_of(experiment.config, "train"))


if __name__ == "__main__":
    _app.run(main)
