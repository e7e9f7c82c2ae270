"""TFDS builder for the images of another TFDS data set."""

import dataclasses
import functools
import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow_datasets as tfds

from sib_tf.base import storage
from sib_tf.base.errors import UserError, lines
from sib_tf.base.ranges import at_least
from sib_tf.datasets.class_division import split_classes
from sib_tf.datasets.divided_images import DividedImages
from sib_tf.datasets.image_files import example
from sib_tf.datasets.images import rgb_of_encoded
from sib_tf.datasets.pieces import PiecewiseBuilder
from sib_tf.datasets.tfds import labelled_images
from sib_tf.datasets.tfds.labelled_images import LabelledImages
from sib_tf.datasets.unreadable import POLICIES

if TYPE_CHECKING:
    import apache_beam as beam


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(DividedImages):
    """Section `config.data`: any image classification of TensorFlow Datasets.

    Attributes:
        name: "tfds".
        dataset: its name there, also with config and version, NAME/CONFIG:VERSION; empty: what lies
            in `data_dir`.
        data_dir: folder where TFDS keeps the named data set, empty for TFDS' own; without a name,
            that of one version of a prepared data set.
        image: name of the feature of the images; empty for the only one, or that of TFDS' own task.
        label: name of the feature of the labels, likewise.
    """

    name: str
    dataset: str = ""
    data_dir: str = ""
    image: str = ""
    label: str = ""

    def builder(self, folder: Path) -> "Builder":
        """The builder, to prepare or to read the data set in a folder.

        Raises:
            UserError: if there is no such data set, or it is no image classification.
        """
        return Builder(config=TfdsConfig(settings=self), data_dir=folder)


@dataclasses.dataclass(kw_only=True)
class TfdsConfig(tfds.core.BuilderConfig):
    """Which data set to read, and how.

    Attributes:
        name: name derived from the settings, so that no two configurations share prepared data.
        settings: the section of the config.

    Raises:
        UserError: if the image size is not positive.
    """

    name: str = dataclasses.field(init=False)
    settings: Settings

    def __post_init__(self) -> None:
        at_least(1, image_size=self.settings.image_size)
        folder = self.settings.data_dir and str(storage.absolute(self.settings.data_dir))
        absolute = dataclasses.replace(self.settings, data_dir=folder)
        digest = hashlib.sha256(repr(absolute).encode()).hexdigest()[:16]
        self.name = f"{self.settings.image_size}px_{digest}"


class Builder(PiecewiseBuilder):
    """Images of another data set, all its splits together, with class-disjoint splits.

    Needs a `TfdsConfig`. Raises UserError, on construction, for what is no image classification
    and, when preparing, for classes that make no splits or a data set that cannot be had.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}  # noqa: RUF012 (TFDS' convention)

    def classes_by_split(self) -> dict[str, tuple[str, ...]]:
        """The names of the classes of each split.

        Raises:
            UserError: as `split_classes`.
        """
        settings = self._settings
        return split_classes(self._source.classes, settings.seed, settings.listed_classes)

    def download_and_prepare(
        self,
        *,
        download_dir: Path | None = None,
        download_config: tfds.download.DownloadConfig | None = None,
        **options: Any,
    ) -> None:
        """Prepares the other data set, where TFDS keeps it, unless it is there; then this one.

        Raises:
            UserError: if the classes make no splits, or the other data set cannot be had.
        """
        self.classes_by_split()  # before hours of downloads
        how = {"download_dir": download_dir, "download_config": download_config}
        source = self._source.builder
        try:
            source.download_and_prepare(**how)
        except UserError:
            raise
        except Exception as error:  # TFDS and what it downloads with share no narrower class
            raise UserError(
                f"TFDS cannot prepare {source.info.full_name} ({' '.join(lines(error))}): give "
                "--config.manual_dir=DIR for what you must download yourself, or prepare it "
                "elsewhere and give --config.data.data_dir=FOLDER."
            ) from error
        super().download_and_prepare(**how, **options)

    def _info(self) -> tfds.core.DatasetInfo:
        size = self._settings.image_size
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(size, size, 3), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=self._source.classes),
                    "id": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
        del dl_manager  # The other data set is prepared.
        return {
            split: self._generate_examples(names)
            for split, names in self.classes_by_split().items()
        }

    def _generate_examples(self, classes: Collection[str]) -> "beam.PTransform | Iterator[Any]":
        settings, source = self._settings, self._source
        read = functools.partial(
            _read_shard,
            # Its folder is enough for a worker, which may lack the code.
            folder=source.builder.data_dir,
            features=(source.image, source.label),
            classes=frozenset(classes),
            size=settings.image_size,
        )
        return self.examples(source.shards, read, POLICIES[settings.unreadable])

    @functools.cached_property
    def _source(self) -> LabelledImages:
        how = self._settings
        return labelled_images.find(how.dataset, how.data_dir, how.image, how.label)

    @property
    def _settings(self) -> Settings:
        if not isinstance(self.builder_config, TfdsConfig):
            raise UserError("tfds: has no default data set; pass a TfdsConfig")
        return self.builder_config.settings


def _read_shard(
    shard: tuple[str, int],
    folder: str,
    features: tuple[str, str],
    classes: Collection[str],
    size: int,
) -> Iterator[Any]:
    """The examples of some classes in a file of a prepared data set, as `image_files.example`."""
    source = labelled_images.find("", folder, *features)
    split, number = shard
    names = source.classes
    for n, (encoded, label_of_image) in enumerate(source.read(split, number)):
        name = names[label_of_image] if label_of_image >= 0 else None
        if name in classes:
            key = f"{name}/{split}/{number}/{n}"
            pixels = functools.partial(rgb_of_encoded, encoded, f"{folder}: {key}", (size, size))
            yield example(key, name, pixels)
