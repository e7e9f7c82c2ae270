r"""Evaluates the model on unseen tasks after 0, 1, ..., K synthetic-gradient steps.

    python -m jobs.evaluate --config=configs/glyphs.py --workdir=work/glyphs

Reads WORKDIR/model and, except for spinning lines, data, features and episodes; writes report.json,
report.md, report.html and pictures into WORKDIR/evaluation. With config.grid.ways it does so for a
grid of settings, too, into WORKDIR/grid. Features of your own need no other job:

    python -m jobs.evaluate --config=configs/features.py --config.data.file=FEATURES.npz \
        --config.model.file=MODEL.keras --workdir=work/mine

Options after `--` go to the Beam runner: `-- --direct_num_workers=2
--direct_running_mode=multi_processing`. Spinning lines do not use Beam.
"""

from collections.abc import Sequence

from sib_tf.beam import runner
from sib_tf.experiments import families

from . import _app

_experiment = _app.define_experiment_flags()


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished."""
    experiment = _experiment()
    experiment.run(families.steps_of(experiment.config, "evaluate"), argv[1:])


if __name__ == "__main__":
    _app.run(main, check_arguments=runner.options)
