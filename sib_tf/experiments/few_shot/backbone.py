"""phi: pre-trained, then run over all images."""

from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from sib_tf.datasets import preparation, prepared
from sib_tf.experiments.few_shot.data import prepared_data
from sib_tf.experiments.step import Context, Step
from sib_tf.features import embedding
from sib_tf.features.feature_table import FeatureTable, read
from sib_tf.few_shot.episodes.reader import EpisodeTable, draw_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class
from sib_tf.few_shot.prototype_accuracy import PrototypeAccuracy
from sib_tf.training import pretraining
from sib_tf.training.devices import strategies
from sib_tf.training.pretraining_settings import PretrainingSettings

_FOLDER = "backbone"
_SELECTION_EPISODES = 600


def pretrain_step(data: Step, strategy: str) -> Step:
    """Trains phi, on the devices of a strategy of `strategies.NAMES`."""
    return Step(
        "pretrain",
        _FOLDER,
        reads=("seed", "phi"),
        requires=(data,),
        run=_pretrain,
        resumes=True,
        shared=True,
        weights=pretraining.BACKBONE,
    ).with_options(strategy=strategy)


def embed_step(data: Step, phi: Step, split: str) -> Step:
    """Embeds the images of a split; only those of training can come in several views."""
    return Step(
        "embed",
        f"features/{split}",
        reads=("features",) if split == "train" else (),
        requires=(data, phi),
        run=_embed,
        shared=True,
        remote=True,
    ).with_options(split=split)


def backbone_file(context: Context) -> Path:
    """The saved phi."""
    return context.base / _FOLDER / pretraining.BACKBONE


def backbone_curves(context: Context) -> Path:
    """The metrics of its training; missing if it was copied."""
    return context.base / _FOLDER / pretraining.CURVES


def features_folder(context: Context, split: str) -> Path:
    """The folder of the features of a split."""
    return context.base / "features" / split / "records"


def stored_features(context: Context, split: str) -> FeatureTable:
    """The features of a split."""
    return read(features_folder(context, split))


def _pretrain(context: Context, strategy: str) -> dict[str, Any]:
    devices = strategies.build(strategy)  # before TensorFlow reads the images
    config = context.config
    builder = prepared.builder_of(prepared_data(context))
    if not config.phi.epochs:
        if strategies.is_chief(devices):
            pretraining.take(context.folder, config.phi, preparation.image_size(builder))
        return {"epochs": 0}
    episodes = _selection_episodes(builder, config.phi, config.seed)
    ids = episodes.image_ids
    # The folder is that of the chief, and for other workers on another machine's disk.
    room = context.folder if strategies.is_chief(devices) else None
    images, (labels,) = prepared.store_examples(builder, ["train"], room)
    with images, prepared.store_images(builder, "validation", ids, room) as validation_images:
        return pretraining.train(
            context.folder,
            config.phi,
            seed=config.seed,
            images=images,
            labels=labels,
            validate=PrototypeAccuracy(validation_images, episodes.renumbered(ids)),
            strategy=devices,
        )


def selection_spec(phi: PretrainingSettings) -> EpisodeSpec:
    """The 1-shot, balanced episodes that choose the epoch of phi."""
    return EpisodeSpec(way=phi.selection_way, shot=1, queries=phi.selection_queries)


def _selection_episodes(
    builder: tfds.core.DatasetBuilder, phi: PretrainingSettings, seed: int
) -> EpisodeTable:
    spec = selection_spec(phi)
    labels = prepared.read_labels(builder, "validation")
    groups = examples_by_class(labels, spec, prepared.class_names(builder), "validation")
    return draw_table(groups, spec, range(_SELECTION_EPISODES), seed=seed, stream="selection")


def _embed(context: Context, split: str) -> dict[str, Any]:
    data = prepared_data(context)
    views = context.config.features.views if split == "train" else 1
    augmentation = None
    if views > 1:
        size = preparation.image_size(prepared.builder_of(data))
        augmentation = context.config.phi.augmentation(size)
    count = embedding.write(
        context.folder / "records",
        phi=backbone_file(context),
        data=data,
        split=split,
        views=views,
        augmentation=augmentation,
        seed=context.config.seed,
        beam_args=context.beam_args,
    )
    return {"images": count}
