"""Checkpoints of the authors' released code as finished steps of a working directory.

The steps `pretrain` and `train` have twins here that convert a file instead of training. They write
the same folders with the same settings in `step.json`, so every later step takes their results.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from ml_collections import ConfigDict

from sib_tf import (
    feature_network,
    pipeline,
    pretraining,
    reference_checkpoints,
    reference_weights,
    training,
)
from sib_tf.datasets import sources
from sib_tf.errors import UserError
from sib_tf.tasks.few_shot import FewShotClassifier
from sib_tf.workdir import RECORD, Context, Step, execute, folder_of

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


def run(
    config: ConfigDict,
    workdir: Path,
    base: Path | None = None,
    *,
    backbone: Path,
    classifier: Path | None = None,
) -> None:
    """Writes the folders of `pretrain` and, given a classifier, of `train`.

    Args:
        config: of the experiment. It says what a checkpoint does not: data set, crop, names of the
            networks, K and eta.
        workdir: its working directory, with a finished `build_dataset`.
        base: the working directory of shared steps, if another.
        backbone: checkpoint of phi.
        classifier: checkpoint of lambda, xi and decoder.

    Raises:
        UserError: a file cannot be read or does not fit the config, the data set has no published
            statistics, or a folder is there already and not from this file.
    """
    base = base or workdir
    pretrain, train = pipeline.step(config, "pretrain"), pipeline.step(config, "train")
    twins = [(_twin(pretrain, _import_backbone, pretrain.requires, backbone), backbone)]
    if classifier:
        twins.append((_twin(train, _import_classifier, (pretrain,), classifier), classifier))
    for step, file in twins:
        if not execute(step, config, workdir, base):
            _refuse_another_origin(folder_of(step, workdir, base), file)


def _twin(step: Step, convert: Callable[..., dict], requires: tuple[Step, ...], file: Path) -> Step:
    """A step that writes what `step` would, from a file; all config fields are its own."""
    return dataclasses.replace(
        step,
        name="import_reference",
        fields=step.all_fields(),
        requires=requires,
        run=functools.partial(convert, file=file),
        resumes=False,
    )


def _import_backbone(context: Context, file: Path) -> dict[str, str]:
    config = context.config
    mean, deviation = _channels(config)
    data = sources.builder(config, context.base / "data")
    phi = feature_network.build(
        config.backbone,
        image_size=data.info.features["image"].shape[0],
        crop_size=config.crop_size,
        mean=mean,
        variance=np.square(deviation),
    )
    weights = reference_checkpoints.read(file, reference_checkpoints.BACKBONE)
    _assign(phi.get_layer(config.backbone), weights, file, "config.backbone")
    phi.save(context.folder / pretraining.BACKBONE)
    return _origin(file)


def _channels(config: ConfigDict) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if config.dataset not in CHANNELS:
        raise UserError(
            f'config.dataset="{config.dataset}": the released backbones are for {[*CHANNELS]}.'
        )
    return CHANNELS[config.dataset]


def _import_classifier(context: Context, file: Path) -> dict[str, str]:
    config = context.config
    phi = keras.saving.load_model(context.base / "backbone" / pretraining.BACKBONE, compile=False)
    model = FewShotClassifier(
        config.way,
        phi.output_shape[-1],
        num_steps=config.num_steps,
        step_size=config.step_size,
        synthetic_gradient=config.synthetic_gradient,
    )
    weights = reference_checkpoints.read(file, reference_checkpoints.CLASSIFIER)
    fields = "config.way, config.backbone and config.synthetic_gradient"
    _assign(model, weights, file, fields)
    model.save(context.folder / training.MODEL)
    return _origin(file)


def _assign(model: keras.Model, weights: Mapping[str, np.ndarray], file: Path, fields: str) -> None:
    try:
        reference_weights.assign(model, weights)
    except ValueError as error:
        raise UserError(f"{file} does not fit {fields}: {error}") from None


def _origin(file: Path) -> dict[str, str]:
    """What `step.json` says of where the weights are from."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"checkpoint": str(file), "sha256": digest}


def _refuse_another_origin(folder: Path, file: Path) -> None:
    """A finished step is skipped, but never as if it were from a file that it is not from."""
    written = json.loads((folder / RECORD).read_text())["counts"]
    if written.get("sha256") != _origin(file)["sha256"]:
        raise UserError(
            f"{folder} is not from {file}: delete that folder or pass another --workdir or --base."
        )
