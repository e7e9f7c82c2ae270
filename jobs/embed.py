"""Runs the frozen backbone over every image, or over V augmented views of the training images.

    python -m jobs.embed --config=configs/glyphs.py --workdir=work/glyphs

Reads WORKDIR/data and WORKDIR/backbone, writes WORKDIR/features/SPLIT.

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
    experiment.run(families.steps_of(experiment.config, "embed"), argv[1:])


if __name__ == "__main__":
    _app.run(main, check_arguments=runner.options)
