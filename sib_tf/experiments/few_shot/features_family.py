"""The sections and steps of an experiment on features from elsewhere: a trained head, evaluated."""

import dataclasses
import hashlib
import shutil
from pathlib import Path
from typing import Any

from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.classifier import model_file
from sib_tf.experiments.few_shot.grid import grid_step
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.features import feature_table, numpy_file
from sib_tf.few_shot.grid.settings import GridSettings
from sib_tf.few_shot.model import FewShotClassifier

TITLE = "grid on features of a file"


@dataclasses.dataclass(frozen=True)
class FileSettings:
    """Sections `config.data` and `config.model`: a file that the experiment starts from.

    Attributes:
        file: of `data`, a `.npz` file, see `numpy_file.read`; of `model`, a trained head,
            `model.keras`.
        sha256: digest of its content, by which results of another file are told apart; None if
            there is no such file.
    """

    file: str
    sha256: str | None = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        path = Path(self.file)
        object.__setattr__(self, "sha256", _digest(path) if path.is_file() else None)


def _digest(path: Path) -> str:
    with path.open("rb") as file:  # not as a whole in memory, for features may be large
        return hashlib.file_digest(file, "sha256").hexdigest()


SECTIONS = {"data": FileSettings, "model": FileSettings, "grid": GridSettings}


def check(config: Configuration) -> None:
    """Refuses a grid without cells.

    Raises:
        UserError: names the field.
    """
    if not config.grid.ways:
        raise UserError("config.grid.ways is empty: name a number of classes.")


def steps(config: Configuration, options: Options) -> list[Step]:
    """The head is copied, the features are read, and the grid is evaluated: all by one job."""
    del options
    head = Step("evaluate", "model", reads=("model",), requires=(), run=_copy)
    features = Step(
        "evaluate", "features/test", reads=("data",), requires=(), run=_read, shared=True
    )
    return [head, features, grid_step(head, features, Path(config.data.file).stem)]


def _copy(context: Context) -> dict[str, Any]:
    file = _given("model", context.config.model.file, "a trained head, model.keras")
    if not isinstance(keras_file.load(file), FewShotClassifier):
        raise UserError(f"config.model.file={file} is no few-shot classifier.")
    shutil.copy(file, context.folder / model_file(context).name)
    return {"copied_from": str(file)}


def _read(context: Context) -> dict[str, Any]:
    file = _given("data", context.config.data.file, "a .npz file of features and labels")
    table = numpy_file.read(file)
    feature_table.write(context.folder / features_folder(context, "test").name, table)
    return {"images": len(table.labels)}


def _given(section: str, file: str, kind: str) -> Path:
    if not Path(file).is_file():
        raise UserError(f"config.{section}.file={file!r} is no file: name {kind}.")
    return Path(file)
