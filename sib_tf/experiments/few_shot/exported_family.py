"""The sections and steps of an experiment on one's own images: an exported model, evaluated."""

import dataclasses
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.base import storage
from sib_tf.base.errors import UserError
from sib_tf.base.file_names import legible
from sib_tf.datasets import unreadable
from sib_tf.datasets.images import UnreadableImageError, list_class_folders, read_rgb
from sib_tf.datasets.unreadable import POLICIES
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.grid import grid_step
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
        unreadable: "refuse" the folder if an image cannot be read, or "skip" the image.

    Raises:
        UserError: if `unreadable` is neither.
    """

    root: str
    unreadable: str = "refuse"

    def __post_init__(self) -> None:
        POLICIES[self.unreadable]


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
            digest = _digest(versions.newest(Path(storage.absolute(self.folder))))
        except UserError:  # which the step reports
            digest = None
        object.__setattr__(self, "sha256", digest)


def _digest(version: Path) -> str:
    digest = hashlib.sha256()
    for file in (version / "saved_model.pb", *sorted((version / "variables").iterdir())):
        digest.update(file.read_bytes())
    return digest.hexdigest()


SECTIONS = {"data": FolderSettings, "model": ModelSettings, "grid": GridSettings}


def steps(config: Configuration, options: Options) -> list[Step]:
    """The images are embedded, and the grid is evaluated on their features: all by one job."""
    del options
    features = Step(
        "evaluate", "features/test", reads=("data", "model"), requires=(), run=_embed, shared=True
    )
    images, model = (
        legible(storage.absolute(path).name) for path in (config.data.root, config.model.folder)
    )
    return [features, grid_step([features], images, model, load=_exported)]


def _exported(context: Context) -> partial[ExportedClassifier]:
    return partial(ExportedClassifier, _folder(context))


def _folder(context: Context) -> Path:
    return Path(storage.absolute(context.config.model.folder))


def _embed(context: Context) -> dict[str, Any]:
    data, model = context.config.data, ExportedModel(_folder(context))
    if not data.root:
        raise UserError(
            "config.data.root is empty: give --config.data.root=FOLDER_OF_CLASS_FOLDERS."
        )
    classes = list_class_folders(storage.absolute(data.root))
    files = [(file, label) for label, name in enumerate(classes) for file in classes[name]]
    settle = POLICIES[data.unreadable]
    rows, labels, faults = [], [], []
    for start in range(0, len(files), _CHUNK):
        images = []
        for file, label in files[start : start + _CHUNK]:
            try:
                images.append(read_rgb(file, model.image_size))
                labels.append(label)
            except UnreadableImageError as error:
                faults.append(error.fault)
        if images:
            rows.append(model.features(np.stack(images)))
    if faults:
        (settle if rows else unreadable.refuse)(faults[: unreadable.NAMED], len(faults))
    table = FeatureTable(np.concatenate(rows)[np.newaxis], np.array(labels))
    feature_table.write(context.folder / features_folder(context, "test").name, table)
    return {"images": len(labels), "classes": len(classes)}
