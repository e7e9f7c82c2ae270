"""The images and the labels of a TFDS data set, whatever its features are called."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from sib_tf.base import storage
from sib_tf.base.errors import UserError, first_line, lines
from sib_tf.base.near_matches import did_you_mean

_INFO = "dataset_info.json"


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """A TFDS data set of images of classes.

    Attributes:
        builder: its builder.
        image: name of the feature of the images.
        label: name of the feature of the labels.
    """

    builder: tfds.core.DatasetBuilder
    image: str
    label: str

    @property
    def classes(self) -> list[str]:
        """Names of the classes by label, with which folders can be named.

        Raises:
            UserError: if two are the same but for a slash.
        """
        names = self.builder.info.features[self.label].names
        found = [name.strip("/").replace("/", "_") for name in names]
        if repeated := [name for name, count in Counter(found).items() if count > 1]:
            raise UserError(
                f"{self.builder.info.full_name} has two classes {repeated[0]}, as a slash becomes "
                "an underscore; take another data set."
            )
        return found

    @property
    def shards(self) -> list[tuple[str, int]]:
        """Name of the split and number of each of its files, of all splits."""
        splits = self.builder.info.splits
        return [(name, n) for name, split in splits.items() for n in range(split.num_shards)]

    def read(self, split: str, shard: int) -> Iterator[tuple[bytes, int]]:
        """Encoded image and label of each example of a file, in its order; -1 is no label."""
        features = self.builder.info.features.items()
        pictures = [name for name, each in features if isinstance(each, tfds.features.Image)]
        how = {
            "split": f"{split}[{shard}shard]",
            "decoders": dict.fromkeys(pictures, tfds.decode.SkipDecoding()),
        }
        if self.builder.info.file_format in tfds.core.FileFormat.with_random_access():
            examples = self.builder.as_data_source(**how)
        else:
            examples = self.builder.as_dataset(**how).as_numpy_iterator()
        for example in examples:
            yield example[self.image], int(example[self.label])


def find(dataset: str, data_dir: str, image: str = "", label: str = "") -> LabelledImages:
    """Finds a data set and what it has of images and labels.

    Args:
        dataset: name as TFDS takes it, NAME/CONFIG:VERSION; empty if a folder is given.
        data_dir: folder where TFDS keeps the named data set; without a name, that of one version of
            a prepared data set, which needs no code.
        image: name of the feature of the images; empty for the only one, or that of TFDS' own task.
        label: name of the feature of the labels, likewise.

    Raises:
        UserError: if there is no such data set, or it is no image classification; says what is
            there.
    """
    builder = _named(dataset, data_dir) if dataset else _prepared(data_dir)
    return LabelledImages(
        builder,
        image=_feature(builder, "image", _is_image, image),
        label=_feature(builder, "label", _is_label, label),
    )


def _named(dataset: str, data_dir: str) -> tfds.core.DatasetBuilder:
    folder = str(storage.absolute(data_dir)) if data_dir else None
    try:
        return tfds.builder(dataset, data_dir=folder)
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        guess = did_you_mean(dataset, known)
        remedy = f"did you mean {guess}?" if guess else "see https://tensorflow.org/datasets."
        raise UserError(f"TFDS knows no data set {dataset}: {remedy}") from None
    except Exception as error:  # of the data set's own code, too
        reason = _without_config(dataset) or " ".join(lines(error))
        raise UserError(f"TFDS cannot load the data set {dataset}: {reason}") from error


def _without_config(dataset: str) -> str:
    """Which configs there are, if the one that is named is not among them; else empty."""
    name, _, config = dataset.partition(":")[0].partition("/")
    try:
        known = tfds.builder_cls(name).builder_configs
    except (tfds.core.DatasetNotFoundError, ValueError):
        return ""
    if not config or config in known:
        return ""
    guess = did_you_mean(config, known) or " or ".join(f'"{each}"' for each in known)
    return f"it has no config {config}; did you mean {guess}?" if known else "it has no configs."


def _prepared(data_dir: str) -> tfds.core.DatasetBuilder:
    if not data_dir:
        raise UserError(
            "config.data.dataset is empty: name a data set of TFDS, as in "
            "--config=configs/tfds.py:cifar100, or give --config.data.data_dir=FOLDER."
        )
    folder = storage.absolute(data_dir)
    if not (folder / _INFO).exists():
        raise UserError(
            f"{folder}: holds no {_INFO}; name the data set besides, or the folder of one version "
            "of a prepared one."
        )
    try:
        return tfds.builder_from_directory(folder)
    except Exception as error:  # whatever a damaged file leads to
        raise UserError(f"{folder}: is damaged ({first_line(error)}); prepare it again.") from error


def _feature(
    builder: tfds.core.DatasetBuilder, kind: str, fits: Callable[[Any], bool], wanted: str
) -> str:
    """Name of the feature of a kind: the wanted one, that of TFDS' own task, or the only one."""
    features, dataset = dict(builder.info.features or {}), builder.info.full_name
    found = [name for name, feature in features.items() if fits(feature)]
    if not found:
        there = ", ".join(f"{name} ({type(each).__name__})" for name, each in features.items())
        raise UserError(
            f"{dataset} is no image classification: it has no {kind}, only {there or 'nothing'}; "
            "take another data set."
        )
    supervised = tf.nest.flatten(builder.info.supervised_keys or ())
    task = [name for name in found if name in supervised]
    chosen = [wanted] if wanted else task or found
    if len(chosen) > 1 or wanted not in ("", *found):
        raise UserError(
            f'config.data.{kind}="{wanted}" must name one of the features of {dataset}: '
            f"{' or '.join(found)}."
        )
    return chosen[0]


def _is_image(feature: Any) -> bool:
    """Whether a feature is a picture: no map of labels, nor floating point pixels of any range."""
    return (
        isinstance(feature, tfds.features.Image)
        and not isinstance(feature, tfds.features.LabeledImage)
        and np.issubdtype(feature.np_dtype, np.unsignedinteger)
    )


def _is_label(feature: Any) -> bool:
    return isinstance(feature, tfds.features.ClassLabel) and feature.num_classes is not None
