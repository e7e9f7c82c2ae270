"""Pre-training of phi on labelled domains: what an image shows, and which way up it is.

Everything here is a pure function of the seed and the step, so that a killed training goes on bit
for bit.
"""

import dataclasses
import sys
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from sib_tf.adaptation import start
from sib_tf.adaptation.source_classifier import SourceClassifier
from sib_tf.adaptation.turned_batches import training_batches
from sib_tf.backbones import feature_network, registry
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.backbones.channel_moments import channel_moments
from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.base.lookup import Rows, rows
from sib_tf.base.ranges import at_least, positive
from sib_tf.training.callbacks.divergence import StopIfDiverged
from sib_tf.training.callbacks.epoch_log import LogEpochs
from sib_tf.training.callbacks.resuming import Resume
from sib_tf.training.optimizers import OPTIMIZERS
from sib_tf.training.pretraining import BACKBONE, CURVES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Section `config.phi`: the backbone, and how it is trained on the labelled domains.

    Attributes:
        backbone: name of the backbone, as in `registry.find`; one that comes with trained weights
            starts from them.
        crop_size: H = W of the centre of an image that phi looks at, pixels.
        crop_padding: padding of a random crop in training, pixels.
        flip: whether half of the training images are mirrored.
        color_jitter: strength of random brightness, contrast and saturation, see `Augmentation`.
        turned: share of the training images that are turned, for the rotation loss.
        rotation_weight: weight of the rotation loss beside that of the labels.
        epochs: passes over the training images.
        batch_size: images of a step.
        learning_rate: rate of Adam at first, then a cosine down to 0.
        l2: weight decay, decoupled from the gradient.
        seed: seed of weights, order and augmentation, apart from `config.seed`: experiments with
            several seeds share phi.

    Raises:
        UserError: if a number is out of range, or the backbone is unknown or not for images of this
            size.
    """

    backbone: str
    crop_size: int
    crop_padding: int
    flip: bool
    color_jitter: float
    turned: float
    rotation_weight: float
    epochs: int
    batch_size: int
    learning_rate: float
    l2: float
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(1, batch_size=self.batch_size, crop_size=self.crop_size, epochs=self.epochs)
        at_least(
            0,
            crop_padding=self.crop_padding,
            color_jitter=self.color_jitter,
            turned=self.turned,
            rotation_weight=self.rotation_weight,
            l2=self.l2,
            seed=self.seed,
        )
        positive(learning_rate=self.learning_rate)
        if self.turned >= 1:
            raise UserError(
                f"turned={self.turned} leaves no image upright, for the labels: make it less than "
                "1."
            )
        registry.find(self.backbone, self.crop_size)  # refuses what cannot be built

    def augmentation(self, image_size: int) -> Augmentation:
        """Random crops as shifts: phi takes the centre of what is as large as the stored image.

        Args:
            image_size: H = W of the stored images.
        """
        shift = self.crop_padding + (image_size - self.crop_size) // 2
        return Augmentation(shift, self.flip, self.color_jitter)


class Examples(NamedTuple):
    """Labelled images of M domains.

    Attributes:
        images: uint8 [n, H, W, 3].
        labels: int [n], 0 .. N-1.
        domains: int [n], 0 .. M-1.
    """

    images: Rows
    labels: np.ndarray
    domains: np.ndarray


def train(
    folder: Path, settings: Settings, *, num_classes: int, training: Examples, held_out: Examples
) -> dict[str, float]:
    """Trains phi with its classifier, going on where a killed run stopped.

    Args:
        folder: gets `backbone.keras` (uint8 or float [B, H, W, 3], 0..255, to [B, D]), the file of
            `start`, `curves.json`, TensorBoard summaries and checkpoints.
        settings: the backbone, and how it is trained.
        num_classes: N.
        training: images to train on.
        held_out: images of the same domains, on which the accuracy is reported after each epoch;
            nothing is chosen by it.

    Returns:
        `images` and the metrics of the last epoch.

    Raises:
        UserError: there are too few images for a batch, or training diverges.
    """
    steps = len(training.images) // settings.batch_size
    if not steps:
        raise UserError(
            f"There are {len(training.images)} training images, fewer than "
            f"config.phi.batch_size={settings.batch_size}: lower it."
        )
    keras.utils.set_random_seed(settings.seed)
    model = _compiled(settings, training.images, num_classes, steps)
    resume = Resume(folder / "checkpoints")
    epoch = resume.restore(model)
    model.fit(
        training_batches(
            training.images,
            training.labels,
            batch_size=settings.batch_size,
            augmentation=settings.augmentation(training.images.shape[1]),
            turned=settings.turned,
            seed=settings.seed,
            first_step=epoch * steps,
        ),
        epochs=settings.epochs,
        initial_epoch=epoch,
        steps_per_epoch=steps,
        validation_data=_upright_batches(held_out, settings.batch_size),
        shuffle=False,  # Keras cannot and would warn; the data set does
        verbose=int(sys.stdout.isatty()),
        callbacks=[
            StopIfDiverged("phi.learning_rate"),
            keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
            LogEpochs(),
            resume,
        ],
    )
    feature_network.save_frozen(model.phi, folder / BACKBONE)
    start.write(folder, _start(model, training))
    write_json(folder / CURVES, resume.curves())
    metrics = {name: value for name, value in resume.history[-1].items() if name != "epoch"}
    return {"images": len(training.images), **metrics}


def _compiled(settings: Settings, images: Rows, num_classes: int, steps: int) -> SourceClassifier:
    """A fresh model of images [n, H, W, 3] like these, ready for `fit`."""
    mean, variance = channel_moments(images)
    phi = feature_network.build(
        settings.backbone,
        image_size=images.shape[1],
        crop_size=settings.crop_size,
        mean=mean,
        variance=variance,
    )
    model = SourceClassifier(phi, num_classes)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    model.compile(
        optimizer=OPTIMIZERS["adam"](
            keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * steps),
            l2=settings.l2,
        ),
        loss={"label": cross_entropy, "turn": cross_entropy},
        loss_weights={"label": 1.0, "turn": settings.rotation_weight},
        weighted_metrics={"label": ["accuracy"], "turn": ["accuracy"]},
        jit_compile=False,  # oneDNN's convolutions are faster on CPUs than XLA's
    )
    return model


def _start(model: SourceClassifier, training: Examples) -> start.Start:
    scale, bias = model.decoder.get_weights()
    theta = model.theta.numpy()
    features = feature_network.embed(model.phi, training.images)
    means = start.class_means(features, training.labels, training.domains, len(theta))
    return start.Start(theta, model.turns.numpy(), scale, bias, means)


def _upright_batches(examples: Examples, batch_size: int) -> tf.data.Dataset:
    labels = examples.labels.astype(np.int32)
    targets = {"label": labels, "turn": np.zeros_like(labels)}
    numbered = tf.data.Dataset.from_tensor_slices((np.arange(len(labels)), targets))
    return numbered.batch(batch_size).map(
        lambda numbers, of_batch: (rows(examples.images, numbers), of_batch)
    )
