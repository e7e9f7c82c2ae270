"""The sections and steps of an experiment on features from elsewhere: a trained head, evaluated."""

import dataclasses
from pathlib import Path
from typing import Any

from sib_tf.base.errors import UserError
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.classifier import train_step
from sib_tf.experiments.few_shot.grid import grid_step
from sib_tf.experiments.options import Options
from sib_tf.experiments.published_weights import copied
from sib_tf.experiments.step import Context, Step
from sib_tf.features import feature_table, numpy_file
from sib_tf.few_shot.grid.settings import GridSettings

TITLE = "evaluation on features of a file"


@dataclasses.dataclass(frozen=True)
class FileSettings:
    """Section `config.data`: the features.

    Attributes:
        file: a `.npz` file, see `numpy_file.read`.
    """

    file: str


SECTIONS = {"data": FileSettings, "grid": GridSettings}


def check(config: Configuration) -> None:
    """Refuses a grid without cells.

    Raises:
        UserError: names the field.
    """
    if not config.grid.ways:
        raise UserError("config.grid.ways is empty: name a number of classes.")


def steps(config: Configuration, options: Options) -> list[Step]:
    """The head is copied from `options.weights`, the features are read, and the grid evaluated.

    Raises:
        UserError: if the folder holds no head.
    """
    features = Step(
        "evaluate", "features/test", reads=("data",), requires=(), run=_read, shared=True
    )
    head = dataclasses.replace(train_step([], []), name="evaluate", reads=(), run=_refuse)
    if options.weights:
        head = copied(head, options.weights)
    return [head, features, grid_step(head, features, Path(config.data.file).stem)]


def _refuse(context: Context) -> dict[str, Any]:
    del context
    raise UserError("Features of a file need a trained head: add --weights=FOLDER.")


def _read(context: Context) -> dict[str, Any]:
    file = context.config.data.file
    if not file:
        raise UserError("config.data.file is empty: name a .npz file of features and labels.")
    table = numpy_file.read(Path(file))
    feature_table.write(context.folder / features_folder(context, "test").name, table)
    return {"images": len(table.labels)}
