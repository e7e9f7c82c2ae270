"""Pre-training of phi: a cosine classifier over the training classes, chosen on validation classes.

phi is then frozen. Everything here is a pure function of the seed and the step, so that a killed
training goes on bit for bit.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from sib_tf.backbones import feature_network
from sib_tf.backbones.channel_moments import channel_moments
from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.base.lookup import Rows
from sib_tf.training.base_classifier import BaseClassifier
from sib_tf.training.callbacks.best_weights import BestWeights
from sib_tf.training.callbacks.divergence import StopIfDiverged
from sib_tf.training.callbacks.epoch_log import LogEpochs
from sib_tf.training.callbacks.resuming import Resume
from sib_tf.training.callbacks.validation_accuracy import ValidationAccuracy
from sib_tf.training.devices import multi_worker, strategies
from sib_tf.training.image_batches import training_batches
from sib_tf.training.optimizers import SGDWithL2
from sib_tf.training.pretraining_settings import PretrainingSettings

BACKBONE = "backbone.keras"
CURVES = "curves.json"


@multi_worker.naming_lost_workers()
def train(
    folder: Path,
    settings: PretrainingSettings,
    *,
    seed: int,
    images: Rows,
    labels: np.ndarray,
    validate: Callable[[keras.Model], float],
    strategy: tf.distribute.Strategy | None = None,
) -> dict[str, float]:
    """Trains phi and saves the epoch that does best on the validation episodes.

    Of several workers all must call this; the chief alone validates, reads and writes.

    Args:
        folder: gets `backbone.keras` (uint8 or float [B, H, W, 3], 0..255, to [B, D]),
            `curves.json`, TensorBoard summaries and checkpoints to resume from. It averages over
            shifted images and, if the augmentation flips, mirror images: see
            `feature_network.averaged`.
        settings: the backbone, and how it is trained.
        seed: seed of weights, order and augmentation.
        images: images of the training split, uint8 [n, H, W, 3].
        labels: their labels, int [n]; only which are equal matters.
        validate: callable: phi -> its accuracy on validation classes, which chooses the epoch.
        strategy: devices, see `strategies.build`; defaults to one device. Others change the result
            by rounding alone.

    Returns:
        `images`, `replicas` and, of the chief that trains, the best `val_accuracy`.

    Raises:
        UserError: there are too few images for a batch or for the warm-up, training diverges, a
            batch cannot be shared equally, or another worker is gone.
    """
    strategy = strategy or tf.distribute.get_strategy()
    strategies.refuse_unequal_shares(strategy, settings.batch_size)
    chief = strategies.is_chief(strategy)
    keras.utils.set_random_seed(seed)
    class_ids, targets = np.unique(labels, return_inverse=True)
    steps = len(images) // settings.batch_size
    if not steps:
        raise UserError(
            f"There are {len(images)} training images, fewer than config.phi.batch_size="
            f"{settings.batch_size}: add images or lower it."
        )
    if settings.warmup_steps >= settings.epochs * steps:
        raise UserError(
            f"config.phi.warmup_steps={settings.warmup_steps} leaves none of the "
            f"{settings.epochs * steps} steps of pretraining at the peak rate: lower it or raise "
            "config.phi.epochs."
        )
    with strategy.scope():
        model = compiled(settings, images, len(class_ids))
        model.optimizer.build(model.trainable_variables)
    resume = Resume(folder / "checkpoints")
    if chief:
        resume.restore(model)
    if strategies.has_workers(strategy):
        multi_worker.share(model)
    callbacks = [StopIfDiverged("phi.learning_rate")]
    if chief:
        best = BestWeights(folder / "best.npz", resume.history)
        callbacks += [
            ValidationAccuracy(validate),
            keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
            best,
            LogEpochs(),
            resume,
        ]
    _fit(
        model,
        settings,
        seed,
        images,
        targets,
        # An epoch can take an hour. Into a file, the bar would be written a thousand times.
        verbose=int(chief and sys.stdout.isatty()),
        callbacks=callbacks,
    )
    counts = {"images": len(images), "replicas": strategy.num_replicas_in_sync}
    if not chief:
        return counts
    best.restore()
    phi = _phi(settings, images)
    phi.set_weights(model.phi.get_weights())
    _save(folder, settings, phi)
    write_json(folder / CURVES, resume.curves())
    return {**counts, "val_accuracy": max(resume.curves()["val_accuracy"])}


def take(folder: Path, settings: PretrainingSettings, image_size: int) -> None:
    """Saves a backbone that comes with trained weights as phi, without any training.

    Args:
        folder: gets `backbone.keras`, see `train`.
        settings: the backbone, which brings its own standardisation of pixels.
        image_size: H = W of the stored images.
    """
    phi = feature_network.build_trained(
        settings.backbone, image_size=image_size, crop_size=settings.crop_size
    )
    _save(folder, settings, phi)


def _save(folder: Path, settings: PretrainingSettings, phi: keras.Model) -> None:
    copies = {"shift": settings.average_shift, "mirror": settings.flip}
    feature_network.save_frozen(phi, folder / BACKBONE, **copies)


def _fit(
    model: BaseClassifier,
    settings: PretrainingSettings,
    seed: int,
    images: Rows,
    targets: np.ndarray,
    verbose: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Goes on from the step of the model's optimizer."""
    steps = len(images) // settings.batch_size
    done = int(model.optimizer.iterations.numpy())
    batches = functools.partial(
        training_batches,
        images,
        targets,
        batch_size=settings.batch_size,
        augmentation=settings.augmentation(images.shape[1]),
        seed=seed,
        first_step=done,
    )

    def of_worker(worker: tf.distribute.InputContext) -> tf.data.Dataset:
        part = batches(part=worker.input_pipeline_id, parts=worker.num_input_pipelines)
        replica = worker.get_per_replica_batch_size(settings.batch_size)
        return part.rebatch(replica, drop_remainder=True)

    how = {
        "epochs": settings.epochs,
        "initial_epoch": done // steps,
        "steps_per_epoch": steps,
        "verbose": verbose,
        "callbacks": callbacks,
    }
    if strategies.has_workers(model.distribute_strategy):
        multi_worker.fit(model, of_worker, **how)
    else:
        # Keras cannot shuffle a data set and would warn; the data set does.
        model.fit(batches(), shuffle=False, **how)


def compiled(settings: PretrainingSettings, images: Rows, num_classes: int) -> BaseClassifier:
    """A fresh classifier of images [n, H, W, 3] like these, ready for `fit`."""
    model = BaseClassifier(_phi(settings, images, settings.precision), num_classes)
    model.compile(
        optimizer=SGDWithL2(
            _schedule(settings, len(images) // settings.batch_size), l2=settings.l2
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # oneDNN's convolutions are faster on CPUs than XLA's
    )
    return model


def _schedule(
    settings: PretrainingSettings, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        decay_steps=settings.epochs * steps - settings.warmup_steps,
    )


def _phi(settings: PretrainingSettings, images: Rows, precision: str = "float32") -> keras.Model:
    """A fresh phi that standardises with the statistics of the images."""
    mean, variance = channel_moments(images)
    return feature_network.build(
        settings.backbone,
        image_size=images.shape[1],
        crop_size=settings.crop_size,
        mean=mean,
        variance=variance,
        precision=precision,
    )
