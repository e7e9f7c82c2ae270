"""Classifies a folder of images given a few images of every class.

    python -m jobs.predict --model EXPORT --support CLASS_FOLDERS --query IMAGES --output FOLDER

EXPORT is an exported model, CLASS_FOLDERS holds one folder of images per class. FOLDER gets
`predictions.csv` and `contact_sheet.png`.

    python -m jobs.predict --server HOST:PORT --model NAME ...

asks a model behind TensorFlow Serving instead, by gRPC or, with --rest, by HTTP.

Classes are taken in the order of their folders' names. The answers of the paper's network
(`config.meta.synthetic_gradient="dense"`) depend on that order for some images, those of "set" do
not.
"""

from collections.abc import Sequence

from absl import flags

from sib_tf.base import storage
from sib_tf.serving.client.model import connect
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict.prediction import Model, classify_folder

from . import _app

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "Folder of an exported model, or of one version of it. With --server, the model's name there.",
    required=True,
)
_SUPPORT = flags.DEFINE_string(
    "support", None, "Folder with one folder of images per class.", required=True
)
_QUERY = flags.DEFINE_string("query", None, "Folder of the images to classify.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write the results to.", required=True)
_SERVER = flags.DEFINE_string(
    "server",
    None,
    "HOST:PORT of TensorFlow Serving, whose ports are 8500 for gRPC and 8501 for --rest. Without "
    "it the model runs here.",
)
_REST = flags.DEFINE_bool("rest", False, "Ask the server by HTTP instead of gRPC.")
_TIMEOUT = flags.DEFINE_float("timeout", 60.0, "Seconds to wait for each answer of the server.")
_app.refuse_empty("model", "support", "query", "output")


@flags.multi_flags_validator(["server", "rest"], "--rest is a way to ask a server: name --server.")
def _has_server_for_rest(values: dict[str, str | bool | None]) -> bool:
    return values["server"] is not None or not values["rest"]


@flags.multi_flags_validator(
    ["server", "timeout"], "--timeout is the time that a server has: name --server."
)
def _has_server_for_timeout(values: dict[str, str | float | None]) -> bool:
    return values["server"] is not None or not _TIMEOUT.present


def main(argv: Sequence[str]) -> None:
    """Classifies the images and prints where the results are."""
    del argv  # There are only flags.
    counts = classify_folder(
        model=_model(),
        support=storage.local(_SUPPORT.value),
        query=storage.local(_QUERY.value),
        output=storage.local(_OUTPUT.value),
    )
    print(
        f"Classified {counts.classified} images, skipped {counts.unreadable} unreadable: "
        f"see {_OUTPUT.value}"
    )


def _model() -> Model:
    if _SERVER.value is None:
        return ExportedModel(storage.path(_MODEL.value))
    return connect(_SERVER.value, _MODEL.value, timeout=_TIMEOUT.value, rest=_REST.value)


if __name__ == "__main__":
    _app.run(main)
