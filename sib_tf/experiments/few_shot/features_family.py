"""The sections and steps of an experiment on features from elsewhere: a trained head, evaluated."""

import shutil
from pathlib import Path
from typing import Any

from sib_tf.base import storage
from sib_tf.base.file_names import legible
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.classifier import model_file
from sib_tf.experiments.few_shot.grid import grid_step
from sib_tf.experiments.given_file import FileSettings, given, given_head
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.features import feature_table, numpy_file
from sib_tf.few_shot.grid.settings import GridSettings

TITLE = "grid on features of a file"

SECTIONS = {"data": FileSettings, "model": FileSettings, "grid": GridSettings}


def steps(config: Configuration, options: Options) -> list[Step]:
    """The head is copied, the features are read, and the grid is evaluated: all by one job."""
    del options
    head = Step("evaluate", "model", reads=("model",), requires=(), run=_copy_head)
    features = Step(
        "evaluate", "features/test", reads=("data",), requires=(), run=_read, shared=True
    )
    images = legible(Path(config.data.file).stem)
    return [head, features, grid_step([head, features], images)]


def _copy_head(context: Context) -> dict[str, Any]:
    """Copies the head to where steps look for that of a training."""
    file = context.config.model.file
    given_head(file)  # or an error
    shutil.copy(storage.local(file), context.folder / model_file(context).name)
    return {"copied_from": file}


def _read(context: Context) -> dict[str, Any]:
    file = given("data", context.config.data.file, "a .npz file of features and labels")
    table = numpy_file.read(file)
    feature_table.write(context.folder / features_folder(context, "test").name, table)
    return {"images": len(table.labels)}
