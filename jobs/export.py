"""Exports backbone and classifier as one SavedModel for TF Serving.

    python -m jobs.export --config=configs/glyphs.py --workdir=work/glyphs --serving=models

Reads data and backbone in --base, model and evaluation in WORKDIR, writes WORKDIR/export/NAME/1.
With --serving, that becomes the next version in the folder of a model server, models/NAME/VERSION.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from jobs import _app
from sib_tf.experiments import families, pipeline
from sib_tf.serving import versions

_experiment = _app.define_experiment_flags()
_SERVING = flags.DEFINE_string(
    "serving", None, "Folder of the models of a model server, to publish this one in."
)
_app.refuse_empty("serving")


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished, and publishes what it made."""
    del argv  # The flags say it all.
    experiment = _experiment()
    (step,) = families.steps_of(experiment.config, "export")
    experiment.run([step])
    if _SERVING.value:
        model = pipeline.exported_model(experiment.workdir / step.folder, experiment.config)
        folder = Path(_SERVING.value) / experiment.config.export_name
        print(f"Published as {versions.publish(model, folder)}")


if __name__ == "__main__":
    _app.run(main)
