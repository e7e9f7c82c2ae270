"""The sections and steps of an experiment on one's own images: an exported model, evaluated."""

import dataclasses
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.base.errors import UserError
from sib_tf.datasets.images import list_class_folders, read_rgb
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.grid import grid_step, refuse_no_ways
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.features import feature_table
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.grid.settings import GridSettings
from sib_tf.serving import versions
from sib_tf.serving.exported_classifier import ExportedClassifier
from sib_tf.serving.exported_model import ExportedModel

TITLE = "grid of an exported model"
_CHUNK = 256  # images in memory


@dataclasses.dataclass(frozen=True)
class FolderSettings:
    """Section `config.data`: images to evaluate the model on.

    Attributes:
        root: folder with one folder of images for each class.
    """

    root: str


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """Section `config.model`: what `jobs.export` has written.

    Attributes:
        folder: exported model, or one version of it.
        sha256: digest of the newest version, by which results of another model are told apart;
            None if there is none.
    """

    folder: str
    sha256: str | None = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        try:
            digest = _digest(versions.newest(Path(self.folder)))
        except UserError:  # which the step reports
            digest = None
        object.__setattr__(self, "sha256", digest)


def _digest(version: Path) -> str:
    digest = hashlib.sha256()
    for file in (version / "saved_model.pb", *sorted((version / "variables").iterdir())):
        digest.update(file.read_bytes())
    return digest.hexdigest()


SECTIONS = {"data": FolderSettings, "model": ModelSettings, "grid": GridSettings}


def check(config: Configuration) -> None:
    """Refuses a grid without cells.

    Raises:
        UserError: names the field.
    """
    refuse_no_ways(config.grid)


def steps(config: Configuration, options: Options) -> list[Step]:
    """The images are embedded, and the grid is evaluated on their features: all by one job."""
    del options
    features = Step(
        "evaluate", "features/test", reads=("data", "model"), requires=(), run=_embed, shared=True
    )
    name = f"{Path(config.data.root).name}, {Path(config.model.folder).name}"
    return [features, grid_step([features], name, load=_exported)]


def _exported(context: Context) -> partial[ExportedClassifier]:
    return partial(ExportedClassifier, Path(context.config.model.folder).absolute())


def _embed(context: Context) -> dict[str, Any]:
    root, model = context.config.data.root, ExportedModel(Path(context.config.model.folder))
    if not root:
        raise UserError(
            "config.data.root is empty: give --config.data.root=FOLDER_OF_CLASS_FOLDERS."
        )
    classes = list_class_folders(Path(root))
    files = [file for images in classes.values() for file in images]
    rows = []
    for start in range(0, len(files), _CHUNK):
        chunk = [read_rgb(file, model.image_size) for file in files[start : start + _CHUNK]]
        rows.append(model.features(np.stack(chunk)))
    labels = np.repeat(np.arange(len(classes)), [len(images) for images in classes.values()])
    table = FeatureTable(np.concatenate(rows)[np.newaxis], labels)
    feature_table.write(context.folder / features_folder(context, "test").name, table)
    return {"images": len(files), "classes": len(classes)}
