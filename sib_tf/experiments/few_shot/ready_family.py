"""The sections and steps of a ready model: a backbone trained by others, and a trained head.

Nothing is trained and no data set is needed: the head has no weight that depends on the features.
With a folder of labelled images, the model is evaluated on them in a grid of settings.
"""

import dataclasses
from typing import Any

import numpy as np

from sib_tf.backbones import feature_network, registry
from sib_tf.base import keras_file, storage
from sib_tf.base.errors import UserError
from sib_tf.base.file_names import legible
from sib_tf.datasets import unreadable
from sib_tf.datasets.images import UnreadableImageError, list_class_folders, read_rgb
from sib_tf.datasets.unreadable import POLICIES
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import backbone_file, features_folder
from sib_tf.experiments.few_shot.given_file import FileSettings, given_head, head_step
from sib_tf.experiments.few_shot.grid import grid_step, refuse_no_ways
from sib_tf.experiments.few_shot.release import ExportSettings
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.features import feature_table
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.grid.settings import GridSettings
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving import export, model_card, ready_card, warmup
from sib_tf.training import pretraining

TITLE = "ready model"
_CHUNK = 256  # images in memory
_EXAMPLE = 5  # classes of the episode that a server is warmed up with, one image of each


@dataclasses.dataclass(frozen=True)
class BackboneSettings:
    """Section `config.phi`: the backbone of a ready model.

    Attributes:
        backbone: name of a backbone that comes with trained weights, as in `registry.find`.
        crop_size: H = W of the images that phi takes, pixels.
        mirror: whether features are averaged over an image and its mirror image.

    Raises:
        UserError: if the backbone is unknown, untrained, or not for images of this size.
    """

    backbone: str
    crop_size: int
    mirror: bool

    def __post_init__(self) -> None:
        if not registry.find(self.backbone, self.crop_size).pretrained:
            raise UserError(
                f'backbone="{self.backbone}" comes without trained weights: take one that has '
                'them, such as "efficientnet_lite0".'
            )


@dataclasses.dataclass(frozen=True)
class FolderSettings:
    """Section `config.data`: images to evaluate the model on, if there are any.

    Attributes:
        root: folder with one folder of images for each class; empty: the model is not evaluated.
        unreadable: "refuse" the folder if an image cannot be read, or "skip" the image.

    Raises:
        UserError: if `unreadable` is neither.
    """

    root: str = ""
    unreadable: str = "refuse"

    def __post_init__(self) -> None:
        POLICIES[self.unreadable]


SECTIONS = {
    "data": FolderSettings,
    "phi": BackboneSettings,
    "model": FileSettings,
    "export": ExportSettings,
    "grid": GridSettings,
}


def check(config: Configuration) -> None:
    """Refuses a grid without cells.

    Raises:
        UserError: names the field.
    """
    if config.data.root:
        refuse_no_ways(config.grid)


def steps(config: Configuration, options: Options) -> list[Step]:
    """The backbone is written, then exported with the head; both are evaluated if there is data."""
    del options
    phi = Step("pretrain", "backbone", reads=("phi",), requires=(), run=_write_phi, shared=True)
    exported = Step(
        "export", "export", reads=("seed", "model", "export"), requires=(phi,), run=_export
    )
    if not config.data.root:
        return [phi, exported]
    head = head_step(refuse=_refuse_tied)
    features = Step(
        "evaluate", "features/test", reads=("data",), requires=(phi,), run=_embed, shared=True
    )
    name = f"{legible(storage.absolute(config.data.root).name)}, {config.phi.backbone}"
    return [phi, head, features, grid_step(head, features, name), exported]


def _write_phi(context: Context) -> dict[str, Any]:
    settings = context.config.phi
    phi = feature_network.build(
        settings.backbone,
        image_size=settings.crop_size,
        crop_size=settings.crop_size,
        mean=(0.0, 0.0, 0.0),  # a trained backbone brings its own
        variance=(1.0, 1.0, 1.0),
    )
    file = context.folder / pretraining.BACKBONE
    feature_network.save_frozen(phi, file, mirror=settings.mirror)
    return {"features": phi.output_shape[-1]}


def _embed(context: Context) -> dict[str, Any]:
    phi = keras_file.load(backbone_file(context))
    classes = list_class_folders(storage.absolute(context.config.data.root))
    files = [(file, label) for label, name in enumerate(classes) for file in classes[name]]
    forward, rows, labels, faults = feature_network.inference(phi), [], [], []
    for start in range(0, len(files), _CHUNK):
        images = []
        for file, label in files[start : start + _CHUNK]:
            try:
                images.append(read_rgb(file, phi.input_shape[1:3]))
                labels.append(label)
            except UnreadableImageError as error:
                faults.append(error.fault)
        if images:
            rows.append(feature_network.in_batches(forward, np.stack(images), _CHUNK))
    if faults:
        settle = POLICIES[context.config.data.unreadable] if rows else unreadable.refuse
        settle(faults[: unreadable.NAMED], len(faults))
    table = FeatureTable(np.concatenate(rows)[np.newaxis], np.array(labels))
    feature_table.write(context.folder / features_folder(context, "test").name, table)
    return {"images": len(labels), "classes": len(classes)}


def _export(context: Context) -> dict[str, Any]:
    config = context.config
    phi, head = keras_file.load(backbone_file(context)), given_head(config.model.file)
    _refuse_tied(head)
    name = config.export.name
    model = context.folder / name / "1"
    export.export(model, phi, head.for_any_way())
    card = ready_card.render(
        name, backbone=config.phi.backbone, size=config.phi.crop_size, head=head
    )
    model_card.write(model, card)
    size = phi.input_shape[1]
    images = np.random.default_rng(config.seed).integers(
        0, 256, (2 * _EXAMPLE, size, size, 3), np.uint8
    )
    warmup.write(model, images[:_EXAMPLE], np.arange(_EXAMPLE, dtype=np.int32), images[_EXAMPLE:])
    return {"features": phi.output_shape[-1]}


def _refuse_tied(head: FewShotClassifier) -> None:
    """Refuses a head that does not serve any features and any number of classes."""
    if head.feature_dim is not None or not head.xi.any_way:
        raise UserError(
            "config.model.file holds a head for one kind of features or number of classes: name "
            "a general one."
        )
