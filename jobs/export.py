"""Exports backbone and classifier as one SavedModel for TF Serving.

    python -m jobs.export --config=configs/glyphs.py --workdir=work/glyphs --serving=models

Reads data and backbone in --base, model and evaluation in WORKDIR, writes WORKDIR/export/NAME/1.
With --serving, that becomes the next version in the folder of a model server, models/NAME/VERSION.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.base import storage
from sib_tf.experiments import families
from sib_tf.serving import versions

from . import _app

_experiment = _app.define_experiment_flags()
_SERVING = flags.DEFINE_string(
    "serving", None, "Folder of a model server's models, in which to publish this one."
)
_app.refuse_empty("serving")


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished; publishes the model if --serving is given."""
    del argv  # There are only flags.
    experiment = _experiment()
    (step,) = families.steps_of(experiment.config, "export")
    experiment.run([step])
    if _SERVING.value:
        name = experiment.config.export.name
        model = experiment.workdir / step.folder / name / "1"
        print(f"Published as {versions.publish(model, storage.local(_SERVING.value) / name)}")


if __name__ == "__main__":
    _app.run(main)
