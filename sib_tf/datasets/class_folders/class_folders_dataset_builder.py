"""TFDS builder for a folder of class folders."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow_datasets as tfds

from sib_tf.base import storage
from sib_tf.base.errors import UserError
from sib_tf.datasets.class_division import split_classes
from sib_tf.datasets.divided_images import DividedImages, class_names
from sib_tf.datasets.image_files import by_id, read_class
from sib_tf.datasets.images import list_class_folders
from sib_tf.datasets.pieces import PiecewiseBuilder
from sib_tf.datasets.unreadable import POLICIES

if TYPE_CHECKING:
    import apache_beam as beam

# Beam's cost per element of a source is comparable to that of decoding a small image.
_FILES_PER_CHUNK = 64


@dataclasses.dataclass(kw_only=True)
class ClassFoldersConfig(tfds.core.BuilderConfig):
    """Which folder to read, and how.

    Attributes:
        name: name derived from the other fields, so that no two configurations share prepared data.
        root: folder that holds one folder of images per class.
        image_size: height and width of the images in pixels.
        split_seed: seed of the draw of the classes of each split, where they are not listed.
        train_classes: names of the training classes; all three splits are listed or none.
        validation_classes: names of the validation classes.
        test_classes: names of the test classes.
        unreadable: what becomes of unreadable images, a name of `unreadable.POLICIES`.
    """

    name: str = dataclasses.field(init=False)
    root: str
    image_size: int
    split_seed: int = 0
    train_classes: tuple[str, ...] = ()
    validation_classes: tuple[str, ...] = ()
    test_classes: tuple[str, ...] = ()
    unreadable: str = "refuse"

    def __post_init__(self) -> None:
        """Derives the name.

        Raises:
            UserError: if the image size is not positive, or `unreadable` is unknown.
        """
        if self.image_size < 1:
            raise UserError(f"image_size: is {self.image_size}; give a positive number of pixels")
        POLICIES[self.unreadable]
        root = str(storage.absolute(self.root))
        parameters = [root, self.image_size, self.split_seed, *self.listed_classes.items()]
        if self.unreadable != "refuse":  # The others keep the names that they had without it.
            parameters.append(self.unreadable)
        digest = hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:16]
        self.name = f"{self.image_size}px_{digest}"

    @property
    def listed_classes(self) -> dict[str, tuple[str, ...]]:
        """The listed class names by split; all empty if the seed draws them."""
        return {
            "train": class_names(self.train_classes),
            "validation": class_names(self.validation_classes),
            "test": class_names(self.test_classes),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(DividedImages):
    """Section `config.data`: any folder with one folder of images per class.

    Attributes:
        name: "class_folders".
        root: the folder that holds the class folders.
    """

    name: str
    root: str

    def builder(self, folder: Path) -> "Builder":
        """The builder, to prepare or to read the data set in a folder.

        Raises:
            UserError: if no root is given, it is unusable, or a field is out of range; names it.
        """
        if not self.root:
            raise UserError(
                "config.data.root is empty: give --config.data.root=FOLDER_OF_CLASS_FOLDERS."
            )
        parameters = ClassFoldersConfig(
            root=self.root,
            image_size=self.image_size,
            split_seed=self.seed,
            train_classes=self.train_classes,
            validation_classes=self.validation_classes,
            test_classes=self.test_classes,
            unreadable=self.unreadable,
        )
        return Builder(config=parameters, data_dir=folder)


class Builder(PiecewiseBuilder):
    """Images of any folder of class folders, with class-disjoint splits.

    Needs a `ClassFoldersConfig`. Raises UserError, on construction, for a missing or unusable
    folder and, when preparing, for classes that make no splits; see `sib_tf.datasets.image_files`
    for unreadable images.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}  # noqa: RUF012 (TFDS' convention)

    def classes_by_split(self) -> dict[str, tuple[str, ...]]:
        """The names of the classes of each split.

        Raises:
            UserError: as `split_classes`.
        """
        config = self._config()
        return split_classes(self._class_folders, config.split_seed, config.listed_classes)

    def _info(self) -> tfds.core.DatasetInfo:
        config = self._config()
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(config.image_size, config.image_size, 3), encoding_format="png"
                    ),
                    "label": tfds.features.ClassLabel(names=list(self._class_folders)),
                    "id": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
        del dl_manager  # The images are on disk.
        classes = self._class_folders
        return {
            split: self._generate_examples({name: classes[name] for name in names})
            for split, names in self.classes_by_split().items()
        }

    def _generate_examples(
        self, classes: dict[str, list[Path]]
    ) -> "beam.PTransform | Iterator[Any]":
        config = self._config()
        root = storage.absolute(config.root)
        chunks = [
            (name, by_id(name, files[start : start + _FILES_PER_CHUNK], root))
            for name, files in classes.items()
            for start in range(0, len(files), _FILES_PER_CHUNK)
        ]
        read = functools.partial(read_class, size=config.image_size)
        return self.examples(chunks, read, POLICIES[config.unreadable])

    @functools.cached_property
    def _class_folders(self) -> dict[str, list[Path]]:
        return list_class_folders(storage.absolute(self._config().root))

    def _config(self) -> ClassFoldersConfig:
        if not isinstance(self.builder_config, ClassFoldersConfig):
            raise UserError("class_folders: has no default folder; pass a ClassFoldersConfig")
        return self.builder_config
