"""Prepares the data set of a config with TFDS and Beam.

    python -m jobs.build_dataset --config=configs/glyphs.py --workdir=work/glyphs

Reads the raw files, writes WORKDIR/data.

Options after `--` go to the Beam runner: `-- --direct_num_workers=2
--direct_running_mode=multi_processing`.
"""

from collections.abc import Sequence

from sib_tf.beam import runner
from sib_tf.experiments import families

from . import _app

_experiment = _app.define_experiment_flags()


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished."""
    experiment = _experiment()
    experiment.run(families.steps_of(experiment.config, "build_dataset"), argv[1:])


if __name__ == "__main__":
    _app.run(main, check_arguments=runner.options)
