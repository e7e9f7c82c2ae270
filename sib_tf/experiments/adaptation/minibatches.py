"""Minibatches of one domain each, drawn with Beam."""

from collections.abc import Mapping, Sequence
from typing import Any

from sib_tf.adaptation.minibatches import building
from sib_tf.adaptation.minibatches.reader import MinibatchTable, read
from sib_tf.adaptation.minibatches.sampling import Divided, Drawn, Minibatches
from sib_tf.datasets import prepared
from sib_tf.experiments.adaptation.data import (
    held_out_splits,
    prepared_data,
    refuse_large_minibatches,
    target_split,
    training_splits,
)
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step

_COUNT = "meta.train_minibatches"


def build_minibatches_step(data: Step, part: str, options: Options) -> Step:
    """Draws the minibatches of a part: "train", "validation" or "test".

    Those of training are of the labelled domains, with replacement; in the others, of held-out
    images of the labelled domains and of the target, each image is once.
    """
    return Step(
        "build_episodes",
        _folder(part),
        reads=("seed", "domains", "minibatches", *((_COUNT,) if part == "train" else ())),
        requires=(data,),
        run=_run,
        remote=True,
    ).with_options(part=part, options=options)


def stored_minibatches(context: Context, part: str) -> MinibatchTable:
    """The minibatches of a part."""
    minibatches, sizes = _minibatches(context.config, part), _sizes(context, part)
    return read(
        context.workdir / _folder(part) / "records",
        count=minibatches.count(sizes),
        largest=minibatches.largest(sizes),
    )


def _folder(part: str) -> str:
    return f"episodes/{part}"


def _minibatches(config: Configuration, part: str) -> Minibatches:
    images = config.minibatches.images
    return Drawn(images, config.meta.train_minibatches) if part == "train" else Divided(images)


def _splits(config: Configuration, part: str) -> Sequence[str]:
    labelled = config.domains.labelled(config.data.domains)
    splits: Mapping[str, Sequence[str]] = {
        "train": training_splits(labelled),
        "validation": held_out_splits(labelled),
        "test": [target_split(config)],
    }
    return splits[part]


def _sizes(context: Context, part: str) -> list[int]:
    """Number of images of each split of a part."""
    stored = _stored_sizes(context)
    return [stored[split] for split in _splits(context.config, part)]


def _stored_sizes(context: Context) -> dict[str, int]:
    """Number of images of every split."""
    splits = prepared.builder_of(prepared_data(context)).info.splits
    return {name: split.num_examples for name, split in splits.items()}


def _run(context: Context, part: str, options: Options) -> dict[str, Any]:
    config = context.config
    # Again: the data may have been prepared for smaller ones.
    refuse_large_minibatches(config, _stored_sizes(context))
    minibatches = _minibatches(config, part)
    draw = building.DrawMinibatches(
        minibatches,
        data=str(prepared_data(context)),
        splits=_splits(config, part),
        seed=config.seed,
        stream=part,
    )
    count = minibatches.count(_sizes(context, part))
    building.write(
        context.folder / "records",
        draw,
        count=count,
        num_shards=options.num_shards,
        beam_args=context.beam_args,
    )
    return {"minibatches": count}
