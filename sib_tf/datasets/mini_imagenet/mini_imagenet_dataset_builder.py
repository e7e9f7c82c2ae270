"""The TFDS builder of mini-ImageNet."""

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import tensorflow_datasets as tfds

from sib_tf.datasets.image_files import by_id, read_class
from sib_tf.datasets.manual_folder import manual_folder
from sib_tf.datasets.mini_imagenet.raw_files import INSTRUCTIONS, Images, find_images
from sib_tf.datasets.mini_imagenet.splits import CLASSES
from sib_tf.datasets.pieces import PiecewiseBuilder

if TYPE_CHECKING:
    import apache_beam as beam

IMAGE_SIZE = 84


@dataclasses.dataclass(frozen=True)
class Settings:
    """Section `config.data`: mini-ImageNet, made from its images and lists.

    Attributes:
        name: "mini_imagenet".
    """

    name: str

    def builder(self, folder: Path) -> "Builder":
        """The builder, to prepare or to read the data set in a folder."""
        return Builder(data_dir=folder)


class Builder(PiecewiseBuilder):
    """Reads the images; a piece is a class.

    Only preparing needs the raw files. It raises UserError for missing, incomplete or damaged ones;
    see `raw_files.find_images` and `sib_tf.datasets.image_files`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = INSTRUCTIONS

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(IMAGE_SIZE, IMAGE_SIZE, 3), encoding_format="png"
                    ),
                    "label": tfds.features.ClassLabel(
                        names=[name for names in CLASSES.values() for name in names]
                    ),
                    "id": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> "dict[str, beam.PTransform | Iterator[Any]]":
        found = find_images(manual_folder(dl_manager, INSTRUCTIONS))
        return {split: self._generate_examples(images) for split, images in found.items()}

    def _generate_examples(self, images: Images) -> "beam.PTransform | Iterator[Any]":
        classes = [(name, by_id(name, files)) for name, files in images.items()]
        return self.examples(classes, functools.partial(read_class, size=IMAGE_SIZE))
