"""The sections and steps of a ready model: a backbone trained by others, and a trained head.

Nothing is trained and no data set is needed: the head has no weight that depends on the features.
"""

import dataclasses
from typing import Any

from sib_tf.backbones import feature_network, registry
from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.export_settings import ExportSettings
from sib_tf.experiments.few_shot.backbone import backbone_file
from sib_tf.experiments.few_shot.release import write_export
from sib_tf.experiments.given_file import FileSettings, given_head
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.serving import ready_card
from sib_tf.training import pretraining

TITLE = "ready model"


@dataclasses.dataclass(frozen=True)
class BackboneSettings:
    """Section `config.phi`: the backbone of a ready model.

    Attributes:
        backbone: name of a backbone that comes with trained weights, as in `registry.find`.
        crop_size: H = W of the images that phi takes, pixels; 0 becomes the backbone's default.
        mirror: whether features are averaged over an image and its mirror image.

    Raises:
        UserError: if the backbone is unknown, untrained, or not for images of this size.
    """

    backbone: str
    crop_size: int
    mirror: bool

    def __post_init__(self) -> None:
        found = registry.find(self.backbone, self.crop_size)
        object.__setattr__(self, "crop_size", found.image_size)
        if not found.pretrained:
            raise UserError(
                f'backbone="{self.backbone}" comes without trained weights: take one that has '
                'them, such as "efficientnet_lite0".'
            )


SECTIONS = {
    "phi": BackboneSettings,
    "model": FileSettings,
    "export": ExportSettings,
}


def check(config: Configuration) -> None:
    """Every combination of sections is fine."""
    del config


def steps(config: Configuration, options: Options) -> list[Step]:
    """The backbone is written, then exported with the head."""
    del options
    phi = Step("pretrain", "backbone", reads=("phi",), requires=(), run=_write_phi, shared=True)
    exported = Step(
        "export", "export", reads=("seed", "model", "export"), requires=(phi,), run=_export
    )
    return [phi, exported]


def _write_phi(context: Context) -> dict[str, Any]:
    settings = context.config.phi
    phi = feature_network.build_trained(
        settings.backbone, image_size=settings.crop_size, crop_size=settings.crop_size
    )
    file = context.folder / pretraining.BACKBONE
    feature_network.save_frozen(phi, file, mirror=settings.mirror)
    return {"features": phi.output_shape[-1]}


def _export(context: Context) -> dict[str, Any]:
    config = context.config
    phi, head = keras_file.load(backbone_file(context)), given_head(config.model.file)
    _refuse_tied(head)
    card = ready_card.render(
        config.export.name,
        backbone=feature_network.network_name(phi),
        size=phi.input_shape[1],
        head=head,
    )
    return write_export(context, phi, head, card)


def _refuse_tied(head: FewShotClassifier) -> None:
    """Refuses a head that does not serve any features and any number of classes."""
    if head.feature_dim is not None or not head.xi.any_way:
        raise UserError(
            "config.model.file holds a head for one kind of features or number of classes: name "
            "a general one."
        )
