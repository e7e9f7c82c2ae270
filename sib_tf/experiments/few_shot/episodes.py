"""Episodes, drawn with Beam."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sib_tf.base import storage
from sib_tf.datasets import prepared
from sib_tf.datasets.split_labels import ReadLabels
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.data import SIZES, prepared_data, query_shares, spec_of
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.features import feature_table
from sib_tf.few_shot.episodes import building
from sib_tf.few_shot.episodes.reader import EpisodeTable, read_table

_COUNTS = {split: f"meta.{split}_episodes" for split in ("train", "validation")}
_COUNTS["test"] = "eval.episodes"


def build_episodes_steps(
    config: Configuration,
    data: Step,
    embed: Step,
    split: str,
    options: Options,
) -> list[Step]:
    """One step for each set of episodes of a split: test has one for each kind of query shares.

    Self-contained episodes (`options.materialize` other than "ids") go into folders of their own,
    to be shipped elsewhere; training and evaluation read the ids.

    Args:
        config: config of the experiment.
        data: step of the data set.
        embed: step of the features of the split.
        split: split to draw episodes from.
        options: what a record holds, and the number of files.
    """
    suffix = "" if options.materialize == "ids" else f"-{options.materialize}"
    return [
        Step(
            "build_episodes",
            f"{_folder(split, shares)}{suffix}",
            reads=("seed", "episodes", _COUNTS[split], *(SIZES if split == "train" else ())),
            requires=(embed if options.materialize == "features" else data,),
            run=_run,
            remote=True,
        ).with_options(split=split, shares=shares, options=options)
        for shares in query_shares(config, split)
    ]


def stored_episodes(context: Context, split: str, shares: str) -> EpisodeTable:
    """The episodes of a split with queries in these shares."""
    config = context.config
    return read_table(
        episodes_folder(context, split, shares),
        spec_of(config, split, shares),
        _count(config, split),
    )


def episodes_folder(context: Context, split: str, shares: str) -> Path:
    """The records of the episodes of a split with queries in these shares."""
    return context.workdir / _folder(split, shares) / "records"


def _folder(split: str, shares: str) -> str:
    return f"episodes/{split}-{shares}"


def _count(config: Configuration, split: str) -> int:
    section, field = _COUNTS[split].split(".")
    return getattr(getattr(config, section), field)


def _run(context: Context, split: str, shares: str, options: Options) -> dict[str, Any]:
    config, data = context.config, prepared_data(context)
    count = _count(config, split)
    transform = building.SampleEpisodes(
        ReadLabels(str(data), split),
        spec_of(config, split, shares),
        class_names=prepared.class_names(prepared.builder_of(data)),
        split=split,
        seed=config.seed,
        count=count,
        materialize=options.materialize,
        open_lookup=_lookup(options.materialize, data, features_folder(context, split), split),
    )
    building.write(
        context.folder / "records",
        transform,
        count=count,
        num_shards=options.num_shards,
        beam_args=context.beam_args,
    )
    return {"episodes": count}


def _lookup(
    materialize: str, data: Path, features: Path, split: str
) -> Callable[[], building.Lookup] | None:
    if materialize == "features":
        return functools.partial(_open_features, str(features))
    if materialize == "images":
        return functools.partial(_open_images, str(data), split)
    return None


def _open_features(folder: str) -> building.Lookup:
    return feature_table.read(storage.path(folder)).features[0].__getitem__


def _open_images(data: str, split: str) -> building.Lookup:
    return prepared.store_encoded_images(prepared.builder_of(data), split).__getitem__
