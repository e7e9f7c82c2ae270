"""The TFDS builder of PACS."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least
from sib_tf.datasets.image_files import by_id
from sib_tf.datasets.images import read_rgb
from sib_tf.datasets.manual_folder import manual_folder
from sib_tf.datasets.pacs.lists import CLASSES, DOMAINS, INSTRUCTIONS, SPLITS, find_images


@dataclasses.dataclass(kw_only=True)
class PacsConfig(tfds.core.BuilderConfig):
    """How large the stored images are.

    Attributes:
        name: name derived from the size, so that no two sizes share prepared data.
        image_size: height and width of the images in pixels; None: as they are.
    """

    name: str = dataclasses.field(init=False)
    image_size: int | None = None

    def __post_init__(self) -> None:
        """Derives the name."""
        self.name = f"{self.image_size}px" if self.image_size else "original"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Section `config.data`: PACS, made from its images and lists.

    Attributes:
        name: "pacs".
        image_size: H = W of the stored images, pixels; None: as they are.
        domains: names of the domains, of which each has the splits `DOMAIN_train`,
            `DOMAIN_crossval` and `DOMAIN_test`.

    Raises:
        UserError: if the size is not positive.
    """

    name: str
    image_size: int | None = None
    domains: ClassVar[Sequence[str]] = DOMAINS

    def __post_init__(self) -> None:
        if self.image_size is not None:
            at_least(1, image_size=self.image_size)

    def builder(self, folder: Path) -> "Builder":
        """The builder, to prepare or to read the data set in a folder."""
        return Builder(config=PacsConfig(image_size=self.image_size), data_dir=folder)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Plain generators, with which the many small splits take a fraction of Beam's time.

    Only preparing needs the raw files. It raises UserError for missing, incomplete or damaged ones
    and for images that differ in size where they keep it; see `lists.find_images`
    and `sib_tf.datasets.images`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = INSTRUCTIONS
    _shape: tuple[int, ...] | None = None  # of the first image

    def _info(self) -> tfds.core.DatasetInfo:
        size = self._image_size
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(size, size, 3), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=list(CLASSES)),
                    "domain": tfds.features.ClassLabel(names=list(DOMAINS)),
                    "id": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://sketchx.eecs.qmul.ac.uk/",
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict]]]:
        found = find_images(manual_folder(dl_manager, INSTRUCTIONS))
        return {split: self._generate_examples(split, images) for split, images in found.items()}

    def _generate_examples(
        self, split: str, images: Mapping[str, Sequence[Path]]
    ) -> Iterator[tuple[str, dict]]:
        domain, _ = SPLITS[split]
        size = self._image_size
        for name, files in images.items():
            for key, file in by_id(f"{domain}/{name}", files).items():
                image = read_rgb(file, size=(size, size) if size else None)
                self._refuse_another_size(file, image.shape)
                yield key, {"image": image, "label": name, "domain": domain, "id": key}

    def _refuse_another_size(self, file: Path, shape: tuple[int, ...]) -> None:
        """Refuses an image that is not as large as the first one."""
        self._shape = self._shape or shape
        if shape != self._shape:
            (height, width, _), (usual_height, usual_width, _) = shape, self._shape
            raise UserError(
                f"{file}: is of {height} x {width} pixels, others are of {usual_height} x "
                f"{usual_width}; replace it, or give --config.data.image_size to resize all"
            )

    @property
    def _image_size(self) -> int | None:
        return self.builder_config.image_size if self.builder_config else None
