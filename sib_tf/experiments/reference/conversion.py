"""Checkpoints of the authors' released code as weights that `jobs.pipeline --weights` takes."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from sib_tf.backbones import feature_network
from sib_tf.base.atomic import written_whole
from sib_tf.base.errors import UserError
from sib_tf.datasets import preparation
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.records import refuse_other
from sib_tf.experiments.reference import checkpoints, released_weights
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.training import meta_training, pretraining

# Mean and standard deviation of the channels, on the scale 0..255, that the released code
# standardises images with.
CHANNELS = {
    "cifar_fs": (
        (129.37731888, 124.10583864, 112.47758569),
        (68.20947949, 65.43124043, 70.45866994),
    ),
    "mini_imagenet": (
        (120.39586422, 115.59361427, 104.54012653),
        (70.68188272, 68.27635443, 72.54505529),
    ),
}


def convert(
    output: Path, config: Configuration, *, backbone: Path, classifier: Path | None = None
) -> None:
    """Writes `backbone.keras` and, given a classifier, `model.keras`.

    Args:
        output: folder to write; must not exist.
        config: config of the experiment. It says what a checkpoint does not: data set, crop and
            names of the networks. K and eta must be those of the classifier's checkpoint, if it
            holds them.
        backbone: checkpoint of phi.
        classifier: checkpoint of lambda, xi and decoder.

    Raises:
        UserError: if a file cannot be read or does not fit the config, the data set has no
            published statistics, or `output` exists.
    """
    with written_whole(output) as part:
        phi = _backbone(config, backbone)
        feature_network.save_frozen(phi, part / pretraining.BACKBONE)
        if classifier:
            model = _classifier(config, phi.output_shape[-1], classifier)
            model.save(part / meta_training.MODEL)


def _backbone(config: Configuration, file: Path) -> keras.Model:
    mean, deviation = _channels(config)
    phi = feature_network.build(
        config.phi.backbone,
        image_size=_image_size(config),
        crop_size=config.phi.crop_size,
        mean=mean,
        variance=np.square(deviation),
    )
    weights = checkpoints.read(file, checkpoints.BACKBONE)
    _assign(phi.layers[-1], weights, file, "config.phi.backbone")
    return phi


def _image_size(config: Configuration) -> int:
    # The builder knows it before anything is prepared, so its folder can be an empty one.
    with tempfile.TemporaryDirectory() as folder:
        return preparation.image_size(config.data.builder(Path(folder)))


def _channels(config: Configuration) -> tuple[tuple[float, ...], tuple[float, ...]]:
    name = config.data.name
    if name not in CHANNELS:
        raise UserError(f'config.data.name="{name}": the released backbones are for {[*CHANNELS]}.')
    return CHANNELS[name]


def _classifier(config: Configuration, feature_dim: int, file: Path) -> FewShotClassifier:
    model = config.meta.model(config.episodes.way, feature_dim)
    trained = {f"meta.{name}": value for name, value in checkpoints.hyperparameters(file).items()}
    wanted = config.record([*trained])
    refuse_other(file, trained, wanted, remedy="set the field to the value of the file")
    weights = checkpoints.read(file, checkpoints.CLASSIFIER)
    fields = "config.episodes.way, config.phi.backbone and config.meta.synthetic_gradient"
    _assign(model, weights, file, fields)
    return model


def _assign(model: keras.Model, weights: Mapping[str, np.ndarray], file: Path, fields: str) -> None:
    try:
        released_weights.assign(model, weights)
    except ValueError as error:
        raise UserError(f"{file} does not fit {fields}: {error}") from None
