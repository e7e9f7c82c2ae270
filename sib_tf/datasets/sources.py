"""From the fields of a config to the TFDS builder they describe."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import tensorflow_datasets as tfds
from ml_collections import ConfigDict

from sib_tf.base.errors import UserError
from sib_tf.datasets.cifar_fs import cifar_fs_dataset_builder as cifar_fs
from sib_tf.datasets.class_folders import class_folders_dataset_builder as class_folders
from sib_tf.datasets.glyphs import glyphs_dataset_builder as glyphs
from sib_tf.datasets.mini_imagenet import mini_imagenet_dataset_builder as mini_imagenet


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set that a config can name.

    Attributes:
        fields: the config fields that its content depends on. Where its files lie is none of them.
        builder: from the config and the folder of prepared data to the builder.
    """

    fields: tuple[str, ...]
    builder: Callable[[ConfigDict, Path], tfds.core.DatasetBuilder]


def _glyphs(config: ConfigDict, folder: Path) -> tfds.core.DatasetBuilder:
    parameters = glyphs.GlyphsConfig(
        seed=config.data_seed,
        images_per_class=config.images_per_class,
        classes=tuple(config.classes),
    )
    return glyphs.Builder(config=parameters, data_dir=folder)


def _image_folder(config: ConfigDict, folder: Path) -> tfds.core.DatasetBuilder:
    if not config.data_dir:
        raise UserError("config.data_dir is empty: give --config.data_dir=FOLDER_OF_CLASS_FOLDERS.")
    parameters = class_folders.ClassFoldersConfig(
        root=config.data_dir,
        image_size=config.image_size,
        split_seed=config.data_seed,
        train_classes=tuple(config.train_classes),
        validation_classes=tuple(config.validation_classes),
        test_classes=tuple(config.test_classes),
    )
    return class_folders.Builder(config=parameters, data_dir=folder)


SOURCES = {
    "cifar_fs": Source((), lambda config, folder: cifar_fs.Builder(data_dir=folder)),
    "glyphs": Source(("data_seed", "images_per_class", "classes"), _glyphs),
    "image_folder": Source(
        (
            "data_seed",
            "data_dir",
            "image_size",
            "train_classes",
            "validation_classes",
            "test_classes",
        ),
        _image_folder,
    ),
    "mini_imagenet": Source((), lambda config, folder: mini_imagenet.Builder(data_dir=folder)),
}


def _source(config: ConfigDict) -> Source:
    if config.dataset not in SOURCES:
        raise UserError(f'config.dataset="{config.dataset}" is unknown: use one of {[*SOURCES]}.')
    return SOURCES[config.dataset]


def fields(config: ConfigDict) -> tuple[str, ...]:
    """The config fields that the data set depends on.

    Raises:
        UserError: `config.dataset` is unknown.
    """
    return ("dataset", *_source(config).fields)


def builder(config: ConfigDict, folder: Path) -> tfds.core.DatasetBuilder:
    """The builder of the data set of a config, to prepare or to read it in `folder`.

    Raises:
        UserError: the fields do not describe a data set; names the field.
    """
    return _source(config).builder(config, folder)


def manual_dir(config: ConfigDict) -> Path | None:
    """Where the user has put the files of a data set that comes as files, None if he has not said.

    Raises:
        UserError: `config.manual_dir` is no folder.
    """
    folder = config.get("manual_dir")
    if folder and not Path(folder).is_dir():
        raise UserError(f"config.manual_dir={folder} is no folder: correct it, or leave it out.")
    return Path(folder).resolve() if folder else None
