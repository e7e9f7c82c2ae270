"""phi: pre-trained on labelled domains, then run over the images of others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sib_tf.adaptation import batch_statistics, pretraining, start
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.base import keras_file
from sib_tf.datasets import prepared
from sib_tf.experiments.adaptation.data import (
    held_out_splits,
    prepared_data,
    stored_examples,
    training_splits,
)
from sib_tf.experiments.step import Context, Step
from sib_tf.features import embedding
from sib_tf.features.feature_table import FeatureTable, read
from sib_tf.method.rotation import TURNS
from sib_tf.training.pretraining import BACKBONE

_FOLDER = "backbone"
_BATCH_STATISTICS = "batch_statistics"


def pretrain_step(data: Step, domains: Sequence[str]) -> Step:
    """Trains phi on some labelled domains; whatever the target is, it is the same."""
    return Step(
        "pretrain",
        f"{_FOLDER}/{_name(domains)}",
        reads=("phi",),
        requires=(data,),
        run=_pretrain,
        resumes=True,
        shared=True,
    ).with_options(domains=domains)


def embed_step(data: Step, phi: Step, domains: Sequence[str], split: str) -> Step:
    """Embeds the images of a split at four angles by the phi of some domains.

    Only images of training can come in several views.
    """
    training = split in training_splits([split.rsplit("_", 1)[0]])
    return Step(
        "embed",
        _features(domains, split),
        reads=("features",) if training else (),
        requires=(data, phi),
        run=_embed,
        shared=True,
        remote=True,
    ).with_options(domains=domains, split=split, views_drawn=training)


def embed_by_batch_statistics_step(
    data: Step, phi: Step, domains: Sequence[str], split: str
) -> Step:
    """Embeds the images of a split by phi with the BatchNorm statistics of this split."""
    return Step(
        "embed",
        _features(domains, split, _BATCH_STATISTICS),
        reads=(),
        requires=(data, phi),
        run=_embed_by_batch_statistics,
        shared=True,
    ).with_options(domains=domains, split=split)


def backbone_file(context: Context, domains: Sequence[str]) -> Path:
    """The saved phi of some domains."""
    return _backbone(context, domains) / BACKBONE


def stored_start(context: Context, domains: Sequence[str]) -> start.Start:
    """What was learned with the phi of some domains."""
    return start.read(_backbone(context, domains))


def stored_features(context: Context, domains: Sequence[str], split: str) -> FeatureTable:
    """The features of a split by the phi of some domains, each image at four angles."""
    return read(context.base / _features(domains, split) / "records")


def stored_features_by_batch_statistics(
    context: Context, domains: Sequence[str], split: str
) -> FeatureTable:
    """The features of a split, upright, by phi with its BatchNorm statistics."""
    return read(context.base / _features(domains, split, _BATCH_STATISTICS) / "records")


def _name(domains: Sequence[str]) -> str:
    return "-".join(domains)


def _backbone(context: Context, domains: Sequence[str]) -> Path:
    return context.base / _FOLDER / _name(domains)


def _features(domains: Sequence[str], split: str, *suffix: str) -> str:
    return f"features/{_name(domains)}/{'-'.join((split, *suffix))}"


def _pretrain(context: Context, domains: Sequence[str]) -> dict[str, Any]:
    data = prepared_data(context)
    training, held_out = (
        stored_examples(context, splits)
        for splits in (training_splits(domains), held_out_splits(domains))
    )
    with training.images, held_out.images:
        return pretraining.train(
            context.folder,
            context.config.phi,
            num_classes=len(prepared.class_names(prepared.builder_of(data))),
            training=training,
            held_out=held_out,
        )


def _embed(
    context: Context, domains: Sequence[str], split: str, views_drawn: bool
) -> dict[str, Any]:
    views = context.config.features.views if views_drawn else 1
    count = embedding.write(
        context.folder / "records",
        phi=backbone_file(context, domains),
        data=prepared_data(context),
        split=split,
        views=views,
        augmentation=_augmentation(context) if views > 1 else None,
        seed=context.config.phi.seed,
        turns=TURNS,
        beam_args=context.beam_args,
    )
    return {"images": count}


def _augmentation(context: Context) -> Augmentation:
    config = context.config
    return config.features.augmentation(config.phi.augmentation(config.data.image_size))


def _embed_by_batch_statistics(
    context: Context, domains: Sequence[str], split: str
) -> dict[str, Any]:
    data = prepared_data(context)
    phi = keras_file.load(backbone_file(context, domains))
    with stored_examples(context, [split]).images as images:
        batch_statistics.adapt(phi, images)
    file = context.folder / BACKBONE
    phi.save(file)
    count = embedding.write(
        context.folder / "records",
        phi=file,
        data=data,
        split=split,
        beam_args=context.beam_args,
    )
    return {"images": count}
