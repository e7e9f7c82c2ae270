"""The data set, prepared with TFDS, and the splits of its domains."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.adaptation.minibatches.sampling import refuse_small_domain
from sib_tf.adaptation.pretraining import Examples
from sib_tf.datasets import preparation, prepared, sources
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.step import Context, Step

_FOLDER = "data"


def build_dataset_step() -> Step:
    """Prepares all domains, which must have enough images for a minibatch."""
    return Step(
        "build_dataset",
        _FOLDER,
        reads=("data",),
        requires=(),
        run=_run,
        consults=("manual_dir", "domains", "minibatches"),
        shared=True,
        remote=True,
    )


def prepared_data(context: Context) -> Path:
    """The folder of the prepared data set."""
    return prepared.prepared_in(context.base / _FOLDER)


def training_splits(domains: Sequence[str]) -> list[str]:
    """The split of each domain that is trained on."""
    return [f"{domain}_train" for domain in domains]


def held_out_splits(domains: Sequence[str]) -> list[str]:
    """The split of each domain that shows how training goes."""
    return [f"{domain}_crossval" for domain in domains]


def target_split(config: Configuration) -> str:
    """All images of the target."""
    return f"{config.domains.target}_test"


def refuse_large_minibatches(config: Configuration, sizes: Mapping[str, int]) -> None:
    """Refuses minibatches that are larger than a domain.

    Args:
        config: config of the experiment.
        sizes: number of images of each split.

    Raises:
        UserError: names the split.
    """
    labelled = config.domains.labelled(config.data.domains)
    splits = [*training_splits(labelled), target_split(config)]
    refuse_small_domain([sizes[split] for split in splits], splits, config.minibatches.images)


def stored_examples(context: Context, splits: Sequence[str]) -> Examples:
    """The images of several splits, one after the other; the number of its split is the domain."""
    builder = prepared.builder_of(prepared_data(context))
    images, labels = prepared.store_examples(builder, splits, context.folder)
    domains = np.repeat(np.arange(len(splits)), [len(part) for part in labels])
    return Examples(images, np.concatenate(labels), domains)


def _run(context: Context) -> dict[str, Any]:
    config = context.config
    counts = preparation.prepare(
        config.data.builder(context.folder),
        manual_dir=sources.manual_dir(config.manual_dir),
        beam_args=context.beam_args,
    )
    refuse_large_minibatches(config, counts)
    return counts
