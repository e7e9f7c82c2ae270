"""Runs all jobs of an experiment, from raw images to an exported model and its predictions.

    python -m jobs.pipeline --config=configs/glyphs.py --workdir=work/glyphs

They are build_dataset, build_episodes, pretrain, embed, train, evaluate, export and predict, which
classifies a test episode. Finished steps are skipped, and a killed one resumes. With --weights=DIR,
the folder of a published result, backbone and task model come from there and nothing is trained.
Spinning lines only have train and evaluate. Options after `--` go to the Beam runner.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.base import storage
from sib_tf.beam import runner
from sib_tf.experiments import families
from sib_tf.experiments.options import Options

from . import _app

_experiment = _app.define_experiment_flags()
_WEIGHTS = flags.DEFINE_string("weights", None, "Folder of published weights; nothing is trained.")


def main(argv: Sequence[str]) -> None:
    """Runs every step that is not finished."""
    experiment = _experiment()
    weights = storage.local(_WEIGHTS.value) if _WEIGHTS.value else None
    experiment.run(families.steps(experiment.config, Options(weights=weights)), argv[1:])


if __name__ == "__main__":
    _app.run(main, check_arguments=runner.options)
