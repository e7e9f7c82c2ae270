"""Classifies a folder of images given a few images of every class.

    python -m jobs.predict --support CLASS_FOLDERS --query IMAGES --output FOLDER

CLASS_FOLDERS holds one folder of images per class. FOLDER gets `predictions.csv` and
`predictions.html`, which say what accuracy to expect. The model is the one of `make photographs`,
or that in the folder --model. With --sort_into=NEW_FOLDER the images are also copied into folders
of their classes.

    python -m jobs.predict --model work/pacs/sketch/export/pacs_sketch --query IMAGES ...

classifies images of a domain of which none is labelled, with a model of configs/pacs.py.

    python -m jobs.predict --server HOST:PORT --model NAME ...

asks a model behind TensorFlow Serving instead, by gRPC or, with --rest, by HTTP. Then the accuracy
to expect is not estimated. --server=https://HOST speaks TLS.

Classes are taken in the order of their folders' names. The answers of the paper's network
(`config.meta.synthetic_gradient="dense"`) depend on that order for some images, those of "set" do
not.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from sib_tf.base import storage
from sib_tf.base.errors import UserError
from sib_tf.base.file_names import legible
from sib_tf.serving.client.credentials import Credentials
from sib_tf.serving.client.model import connect
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict import findings
from sib_tf.serving.predict.prediction import (
    PAGE_FILE,
    Model,
    Options,
    classify_folder,
    classify_unlabelled,
)
from sib_tf.serving.zero_shot.exported_model import ZeroShotModel

from . import _app

_MODEL = flags.DEFINE_string(
    "model",
    "work/photographs/export/photographs",
    "Folder of an exported model, or of one version of it. With --server, the model's name there.",
)
_SUPPORT = flags.DEFINE_string(
    "support",
    None,
    "Folder with one folder of images per class. Without it the model must be one that knows its "
    "classes, as that of configs/pacs.py does.",
)
_QUERY = flags.DEFINE_string("query", None, "Folder of the images to classify.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write the results to.", required=True)
_SERVER = flags.DEFINE_string(
    "server",
    None,
    "HOST:PORT of TensorFlow Serving, whose ports are 8500 for gRPC and 8501 for --rest; "
    "https://HOST:PORT, with --rest also https://HOST/PATH, if it speaks TLS. Without it the model "
    "runs here.",
)
_REST = flags.DEFINE_bool("rest", False, "Ask the server by HTTP instead of gRPC.")
_TIMEOUT = flags.DEFINE_float("timeout", 60.0, "Seconds to wait for each answer of the server.")
_CA_FILE = flags.DEFINE_string(
    "ca_file", None, "PEM file of the certificate authorities to trust, if others than usual."
)
_CERTIFICATE_FILE = flags.DEFINE_string(
    "certificate_file", None, "PEM file of your certificate, if the server asks for one."
)
_KEY_FILE = flags.DEFINE_string(
    "key_file", None, "PEM file of its private key, if that is not in the same file."
)
_TOKEN_FILE = flags.DEFINE_string(
    "token_file", None, "File of a bearer token, if the server asks for one, as Cloud Run does."
)
_STEPS = flags.DEFINE_integer(
    "steps", None, "0 answers at K = 0, without the model's synthetic steps."
)
_TRUTH = flags.DEFINE_string(
    "truth",
    None,
    "Folder with the files of --query in one folder per class, to measure the accuracy.",
)
_SORT_INTO = flags.DEFINE_string(
    "sort_into", None, "New folder that gets the images in one folder per class."
)
_LINK = flags.DEFINE_bool("link", False, "Hard links instead of copies in --sort_into.")
_CREDENTIALS = ("ca_file", "certificate_file", "key_file", "token_file")
_app.refuse_empty("model", "support", "query", "output", "truth", "sort_into", *_CREDENTIALS)

flags.register_validator(
    "steps",
    lambda steps: steps in (None, 0),
    "an exported model takes its own number of steps, or 0: leave it out or give 0.",
)


@flags.multi_flags_validator(["server", "rest"], "--rest is a way to ask a server: name --server.")
def _has_server_for_rest(values: dict[str, str | bool | None]) -> bool:
    return values["server"] is not None or not values["rest"]


@flags.multi_flags_validator(
    ["server", "timeout"], "--timeout is the time that a server has: name --server."
)
def _has_server_for_timeout(values: dict[str, str | float | None]) -> bool:
    return values["server"] is not None or not _TIMEOUT.present


@flags.multi_flags_validator(
    ["server", *_CREDENTIALS], "Certificates and tokens are for a server: name --server."
)
def _has_server_for_credentials(values: dict[str, str | None]) -> bool:
    return values["server"] is not None or not any(values[name] for name in _CREDENTIALS)


@flags.multi_flags_validator(["server", "model"], "A server has models: name one by --model.")
def _has_model_for_server(values: dict[str, str | None]) -> bool:
    return values["server"] is None or bool(_MODEL.present)


@flags.multi_flags_validator(
    ["server", "support"], "A model on a server needs labelled images: name them by --support."
)
def _has_support_for_server(values: dict[str, str | None]) -> bool:
    return values["server"] is None or values["support"] is not None


@flags.multi_flags_validator(
    ["sort_into", "link"], "--link is a way to sort: name a folder by --sort_into."
)
def _has_folder_for_links(values: dict[str, str | bool | None]) -> bool:
    return values["sort_into"] is not None or not values["link"]


def main(argv: Sequence[str]) -> None:
    """Classifies the images and prints where the results are, and what to think of them."""
    del argv  # There are only flags.
    options = Options(
        truth=_path(_TRUTH.value),
        sort_into=_path(_SORT_INTO.value),
        link=_LINK.value,
        take_steps=_STEPS.value is None,
    )
    query, output = map(storage.local, (_QUERY.value, _OUTPUT.value))
    if _SUPPORT.value is None:
        outcome = classify_unlabelled(ZeroShotModel(_folder()), query, output, options)
    else:
        support = storage.local(_SUPPORT.value)
        outcome = classify_folder(_model(), support, query, output, options)
    print(
        f"Classified {len(outcome.task.query_files)} images, skipped {outcome.unreadable} "
        f"unreadable: see {output / PAGE_FILE}"
    )
    for line in findings.lines(outcome):
        print(legible(line))


def _path(name: str | None) -> Path | None:
    return None if name is None else storage.local(name)


def _model() -> Model:
    if _SERVER.value is None:
        return ExportedModel(_folder())
    files = (_CA_FILE, _CERTIFICATE_FILE, _KEY_FILE, _TOKEN_FILE)
    return connect(
        _SERVER.value,
        _MODEL.value,
        timeout=_TIMEOUT.value,
        rest=_REST.value,
        credentials=Credentials(*(_path(file.value) for file in files)),
    )


def _folder() -> Path:
    folder = storage.path(_MODEL.value)
    if not _MODEL.present and not folder.exists():
        raise UserError(f"{folder}: is not there yet: run `make photographs`, or name a --model")
    return folder


if __name__ == "__main__":
    _app.run(main)
