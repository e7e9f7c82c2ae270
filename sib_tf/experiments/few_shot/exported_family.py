"""The sections and steps of an experiment on one's own images: an exported model, evaluated."""

import dataclasses
import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from sib_tf.base import digest, storage
from sib_tf.base.errors import UserError
from sib_tf.base.file_names import legible
from sib_tf.beam.records import SUFFIX
from sib_tf.datasets import unreadable
from sib_tf.datasets.images import list_class_folders, read_rgb
from sib_tf.datasets.unreadable import POLICIES
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.grid import grid_step
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.features import feature_table
from sib_tf.few_shot.grid.settings import GridSettings
from sib_tf.serving import versions
from sib_tf.serving.exported_classifier import ExportedClassifier
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.image_files import batches_read

TITLE = "grid of an exported model"


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
            found = digest.sha256(_files(versions.newest(Path(storage.absolute(self.folder)))))
        except UserError:  # which the step reports
            found = None
        object.__setattr__(self, "sha256", found)


def _files(version: Path) -> list[Path]:
    return [version / "saved_model.pb", *sorted((version / "variables").iterdir())]


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
    files = [file for name in classes for file in classes[name]]
    labels = np.repeat(np.arange(len(classes)), [len(classes[name]) for name in classes])
    folder = context.folder / features_folder(context, "test").name
    folder.mkdir()
    faults = _write_records(folder, model, files, labels)
    _settle(data.unreadable, [fault for fault in faults if fault], len(files))
    count = faults.count(None)
    feature_table.gather(folder, views=1, examples=count, dim=model.feature_dim, network=None)
    return {"images": count, "classes": len(classes)}


def _write_records(
    folder: Path, model: ExportedModel, files: Sequence[Path], labels: np.ndarray
) -> list[str | None]:
    """Writes features of the files that can be read; the fault of each file, if it has one."""
    faults, positions = [], itertools.count()
    with tf.io.TFRecordWriter(str(folder / f"features{SUFFIX}")) as records:
        for batch in batches_read(files, partial(read_rgb, size=model.image_size), "images"):
            of_batch = labels[len(faults) :]
            read = [n for n, image in enumerate(batch) if isinstance(image, np.ndarray)]
            rows = model.features(np.stack([batch[n] for n in read])) if read else ()
            for n, row in zip(read, rows, strict=True):
                label = of_batch[n]
                records.write(feature_table.encode(next(positions), label, row[np.newaxis]))
            faults += [None if isinstance(image, np.ndarray) else image.fault for image in batch]
    return faults


def _settle(policy: str, faults: Sequence[str], files: int) -> None:
    if faults:
        settle = POLICIES[policy] if len(faults) < files else unreadable.refuse
        settle(faults[: unreadable.NAMED], len(faults))
