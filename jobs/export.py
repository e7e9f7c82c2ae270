"""Exports backbone and classifier as one SavedModel for TF Serving.

    python -m jobs.export --config=configs/glyphs.py --workdir=work/glyphs --serving=models

Reads data and backbone in --base, model and evaluation in WORKDIR, writes WORKDIR/export/NAME/1.
With --serving, that becomes the next version in the folder of a model server, models/NAME/VERSION.

    python -m jobs.export --weights=results/cifar_fs_conv4_64_general/1shot-seed0

exports released weights, without their data: the name is that of their folder and of the one above
it, WORKDIR is work/NAME unless --workdir says otherwise.
"""

from collections.abc import Sequence

from absl import flags
from ml_collections import ConfigDict

from sib_tf.base import storage
from sib_tf.experiments import families
from sib_tf.serving import versions

from . import _app

_experiment = _app.define_experiment_flags(required=False)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "Folder of released weights, to be exported in place of an experiment's."
)
_MAX_QUERIES = flags.DEFINE_integer(
    "max_queries",
    None,
    "Most images to classify in one request: a server refuses more, so that no request takes all "
    "of its memory. In place of config.export.max_queries, which is 10,000 by default.",
    lower_bound=1,
)
_SERVING = flags.DEFINE_string(
    "serving", None, "Folder of a model server's models, in which to publish this one."
)
_app.refuse_empty("weights", "serving")


@flags.multi_flags_validator(
    ["config", "weights"], "name an experiment by --config or released weights by --weights."
)
def _has_one_source(values: dict[str, str | ConfigDict | None]) -> bool:
    return (values["config"] is None) != (values["weights"] is None)


@flags.multi_flags_validator(
    ["weights", "workdir"], "--workdir is where the experiment of --config is: name it."
)
def _has_folder_of_experiment(values: dict[str, str | None]) -> bool:
    return values["weights"] is not None or values["workdir"] is not None


@flags.multi_flags_validator(["weights", "base"], "--weights needs no --base: leave it out.")
def _has_no_base_for_weights(values: dict[str, str | None]) -> bool:
    return values["weights"] is None or values["base"] is None


def main(argv: Sequence[str]) -> None:
    """Runs the step unless it is finished; publishes the model if --serving is given."""
    del argv  # There are only flags.
    experiment = _released() if _WEIGHTS.value else _experiment()
    (step,) = families.steps_of(experiment.config, "export")
    if _MAX_QUERIES.value is not None:
        experiment = experiment.changed({"export.max_queries": _MAX_QUERIES.value})
    experiment.run([step])
    name = experiment.config.export.name
    model = experiment.workdir / step.folder / name
    print(f"The model is {model}")
    if _SERVING.value:
        published = versions.publish(model / "1", storage.local(_SERVING.value) / name)
        print(f"Published as {published}")


def _released() -> _app.Experiment:
    """The experiment that exports released weights."""
    name = "_".join(storage.local(_WEIGHTS.value).absolute().parts[-2:])
    config = ConfigDict(
        {
            "family": "released",
            "seed": 0,
            "weights": {"folder": _WEIGHTS.value},
            "export": {"name": name},
        }
    )
    workdir = storage.path(flags.FLAGS.workdir or f"work/{name}")
    return _app.Experiment(config, workdir, base=workdir)


if __name__ == "__main__":
    _app.run(main)
