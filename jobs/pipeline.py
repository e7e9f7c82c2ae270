"""Goes from raw images to an exported model, and tries it on the images of a test episode.

    python -m jobs.pipeline --config=configs/glyphs.py --workdir=work/glyphs

Walks the jobs build_dataset, build_episodes, pretrain, embed, train, evaluate, export and predict;
steps that are finished are skipped, and one that was killed goes on. With --weights=DIR, of a
published result, the backbone and the task model are taken from there and nothing is trained.
Spinning lines have train and evaluate alone. Options after `--` go to the Beam runner.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from sib_tf.beam import runner
from sib_tf.experiments import families
from sib_tf.experiments.options import Options

from . import _app

_experiment = _app.define_experiment_flags()
_WEIGHTS = flags.DEFINE_string("weights", None, "Folder of published weights, to train nothing.")


def main(argv: Sequence[str]) -> None:
    """Runs every step that is not finished."""
    experiment = _experiment()
    weights = Path(_WEIGHTS.value) if _WEIGHTS.value else None
    experiment.run(families.steps(experiment.config, Options(weights=weights)), argv[1:])


if __name__ == "__main__":
    _app.run(main, check_arguments=runner.options)
