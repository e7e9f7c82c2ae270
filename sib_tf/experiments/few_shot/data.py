"""The data set, prepared with TFDS and Beam."""

from collections.abc import Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.backbones.feature_network import refuse_large_crop
from sib_tf.base import commands
from sib_tf.base.errors import UserError
from sib_tf.datasets import preparation, prepared, sources
from sib_tf.datasets.class_division import Dividing
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.step import Context, Step
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class
from sib_tf.few_shot.episodes.varied import VariedEpisodes

_FOLDER = "data"
_SIZES = ("ways", "shots", "queries")  # of training episodes
SIZES = tuple(f"meta.{name}" for name in _SIZES)


def build_dataset_step(splits: Sequence[str] = prepared.SPLITS) -> Step:
    """Prepares the data set, which must have enough images for the episodes of `splits`."""
    return Step(
        "build_dataset",
        _FOLDER,
        reads=("data",),
        requires=(),
        run=_run,
        # What the data set cannot give is said now, while another try still reads the files anew.
        consults=(
            "manual_dir",
            "phi.crop_size",
            "episodes",
            "meta.query_shares",
            *SIZES,
            "eval.query_shares",
        ),
        shared=True,
        remote=True,
    ).with_options(splits=splits)


def prepared_data(context: Context) -> Path:
    """The folder of the prepared data set."""
    return prepared.prepared_in(context.base / _FOLDER)


def query_shares(config: Configuration, split: str) -> Sequence[str]:
    """How the queries of the episodes of a split are shared, one entry for each set of episodes."""
    return config.eval.query_shares if split == "test" else (config.meta.query_shares,)


def spec_of(config: Configuration, split: str, shares: str) -> EpisodeSpec | VariedEpisodes:
    """What the episodes of a split with queries in these shares look like."""
    if split == "train":
        sizes = {name: getattr(config.meta, name) for name in _SIZES}
        return config.episodes.varied(shares, **sizes)
    return config.episodes.spec(shares)


def _run(context: Context, splits: Sequence[str]) -> dict[str, Any]:
    config = context.config
    builder = config.data.builder(context.folder)
    refuse_large_crop(config.phi.crop_size, preparation.image_size(builder))
    specs = [
        (split, spec_of(config, split, shares))
        for split in splits
        for shares in query_shares(config, split)
    ]
    needed = {split: spec.largest.way for split, spec in specs}
    if isinstance(builder, Dividing):  # before hours of downloads
        _refuse_few_classes(_sizes(builder.classes_by_split()), needed)
    counts = preparation.prepare(
        builder, manual_dir=sources.manual_dir(config.manual_dir), beam_args=context.beam_args
    )
    names = prepared.class_names(builder)
    labels = {split: prepared.read_labels(builder, split) for split in prepared.SPLITS}
    _refuse_few_classes(_sizes({split: np.unique(labels[split]) for split in labels}), needed)
    for split, spec in specs:
        _refuse_few_images(labels[split], spec, names, split)
    return counts


def _sizes(groups: Mapping[str, Sized]) -> dict[str, int]:
    return {name: len(group) for name, group in groups.items()}


def _refuse_few_images(
    labels: np.ndarray, spec: EpisodeSpec | VariedEpisodes, names: Sequence[str], split: str
) -> None:
    try:
        examples_by_class(labels, spec, names, split)
    except UserError as error:
        raise UserError(f"{error} {commands.ready_model()}") from None


def _refuse_few_classes(classes: Mapping[str, int], needed: Mapping[str, int]) -> None:
    """Refuses splits of too few classes.

    Args:
        classes: number of classes of every split.
        needed: number that the episodes of a split need, of the splits that are used.

    Raises:
        UserError: says how all classes are divided.
    """
    if all(classes[split] >= way for split, way in needed.items()):
        return
    shares = ", ".join(f"{classes[split]} for {split}" for split in prepared.SPLITS)
    wanted = ", ".join(f"{way} for {split}" for split, way in needed.items())
    raise UserError(
        f"{sum(classes.values())} classes are divided into {shares}; episodes need {wanted}, at "
        f"least {sum(needed.values())} classes in all: add classes, or lower config.episodes.way, "
        f"config.meta.ways and config.phi.selection_way. {commands.ready_model()}"
    )
