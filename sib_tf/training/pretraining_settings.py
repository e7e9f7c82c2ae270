"""How phi is pre-trained."""

import dataclasses

from sib_tf.backbones import registry
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least, positive

PRECISIONS = ("float32", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainingSettings:
    """Section `config.phi`: the backbone, and how it is trained.

    Attributes:
        backbone: name of the backbone, as in `registry.build`.
        crop_size: H = W of the centre of an image that phi looks at, pixels; 0 becomes the
            backbone's default, if it has one.
        crop_padding: padding of a random crop in training, pixels.
        flip: whether half of the training images are mirrored; the finished phi then averages over
            an image and its mirror image.
        color_jitter: strength of random brightness, contrast and saturation, see `Augmentation`.
        average_shift: distance of the four shifted images that the finished phi averages over, too,
            pixels, less than `crop_size`; 0: none.
        epochs: passes over the training images; 0, of a backbone that comes with trained weights:
            none.
        batch_size: images of a step.
        learning_rate: peak rate, reached after `warmup_steps`, then a cosine down to 0.
        warmup_steps: steps from rate 0 to the peak.
        l2: weight decay as an L2 term in the gradient.
        precision: one of `PRECISIONS`, that phi computes in while it is trained. Its weights, the
            loss and the finished phi are float32.
        selection_way: classes of the 1-shot, balanced episodes on validation classes that choose
            the epoch.
        selection_queries: queries of such an episode.

    Raises:
        UserError: if a number is out of range, or the backbone is unknown or not for images of this
            size.
    """

    backbone: str
    crop_size: int
    crop_padding: int
    flip: bool
    color_jitter: float
    average_shift: int = 0
    epochs: int
    batch_size: int
    learning_rate: float
    warmup_steps: int
    l2: float
    precision: str = "float32"
    selection_way: int = 5
    selection_queries: int = 75

    def __post_init__(self) -> None:
        at_least(1, batch_size=self.batch_size)
        at_least(
            0,
            crop_size=self.crop_size,
            epochs=self.epochs,
            crop_padding=self.crop_padding,
            color_jitter=self.color_jitter,
            average_shift=self.average_shift,
            warmup_steps=self.warmup_steps,
            l2=self.l2,
        )
        positive(learning_rate=self.learning_rate)
        found = registry.find(self.backbone, self.crop_size)  # refuses what cannot be built
        object.__setattr__(self, "crop_size", found.image_size)
        if not self.epochs and not found.pretrained:
            raise UserError(
                f'epochs=0 leaves backbone="{self.backbone}" untrained: raise it, or take one that '
                'comes with trained weights, such as "efficientnet_lite0".'
            )
        if self.average_shift >= self.crop_size:
            raise UserError(
                f"average_shift={self.average_shift} shifts images out of sight: it must be less "
                f"than crop_size={self.crop_size}."
            )
        if self.precision not in PRECISIONS:
            raise UserError(
                f'precision="{self.precision}" is unknown: use {" or ".join(PRECISIONS)}.'
            )

    def augmentation(self, image_size: int) -> Augmentation:
        """Random crops as shifts: phi takes the centre of what is as large as the stored image.

        Args:
            image_size: H = W of the stored images.
        """
        shift = self.crop_padding + (image_size - self.crop_size) // 2
        return Augmentation(shift, self.flip, self.color_jitter)
