"""From the fields of a config to the TFDS builder they describe."""

from pathlib import Path

import tensorflow_datasets as tfds
from ml_collections import ConfigDict

from sib_tf.datasets.cifar_fs import cifar_fs_dataset_builder as cifar_fs
from sib_tf.datasets.class_folders import class_folders_dataset_builder as class_folders
from sib_tf.datasets.glyphs import glyphs_dataset_builder as glyphs
from sib_tf.errors import UserError

_FIELDS = {
    "glyphs": ("data_seed", "images_per_class", "classes"),
    "image_folder": (
        "data_seed",
        "data_dir",
        "image_size",
        "train_classes",
        "validation_classes",
        "test_classes",
    ),
    # Wherever the archive lies, it holds the same images.
    "cifar_fs": (),
}


def fields(config: ConfigDict) -> tuple[str, ...]:
    """The config fields that the data set depends on.

    Raises:
        UserError: `config.dataset` is unknown.
    """
    if config.dataset not in _FIELDS:
        raise UserError(f'config.dataset="{config.dataset}" is unknown: use one of {[*_FIELDS]}.')
    return ("dataset", *_FIELDS[config.dataset])


def manual_dir(config: ConfigDict) -> Path | None:
    """Where the user has put the files of a data set that comes as files, None if he has not said.

    Raises:
        UserError: `config.manual_dir` is no folder.
    """
    folder = config.get("manual_dir")
    if folder and not Path(folder).is_dir():
        raise UserError(f"config.manual_dir={folder} is no folder: correct it, or leave it out.")
    return Path(folder) if folder else None


def builder(config: ConfigDict, folder: Path) -> tfds.core.DatasetBuilder:
    """The builder of the data set of a config, to prepare or to read it in `folder`.

    Raises:
        UserError: the fields do not describe a data set; names the field.
    """
    if config.dataset == "cifar_fs":
        return cifar_fs.Builder(data_dir=folder)
    if config.dataset == "glyphs":
        builder_config = glyphs.GlyphsConfig(
            seed=config.data_seed,
            images_per_class=config.images_per_class,
            classes=tuple(config.classes),
        )
        return glyphs.Builder(config=builder_config, data_dir=folder)
    if not config.data_dir:
        raise UserError("config.data_dir is empty: give --config.data_dir=FOLDER_OF_CLASS_FOLDERS.")
    builder_config = class_folders.ClassFoldersConfig(
        root=config.data_dir,
        image_size=config.image_size,
        split_seed=config.data_seed,
        train_classes=tuple(config.train_classes),
        validation_classes=tuple(config.validation_classes),
        test_classes=tuple(config.test_classes),
    )
    return class_folders.Builder(config=builder_config, data_dir=folder)
