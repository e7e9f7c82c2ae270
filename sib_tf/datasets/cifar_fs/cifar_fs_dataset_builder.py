"""The TFDS builder of `cifar_fs`."""

import dataclasses
import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError, first_line
from sib_tf.datasets.cifar_fs.splits import CLASSES

URL = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
ARCHIVE = "cifar-100-binary.tar.gz"
# Files of the archive and images of each class in them.
FILES = {"train.bin": 500, "test.bin": 100}
SIZE = 32
RECORD_BYTES = 2 + 3 * SIZE * SIZE  # coarse label, fine label, then the red, green and blue planes

# The order of CIFAR-100's fine labels is that of the alphabet.
NAMES = sorted(name for names in CLASSES.values() for name in names)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Section `config.data`: CIFAR-FS, made from the archive of CIFAR-100.

    Attributes:
        name: "cifar_fs".
    """

    name: str

    def builder(self, folder: Path) -> "Builder":
        """The builder, to prepare or to read the data set in a folder."""
        return Builder(data_dir=folder)


class Builder(tfds.core.GeneratorBasedBuilder):
    """CIFAR-100's photographs, split by class as Bertinetto et al. do.

    Plain generators: Beam would send every image through pickle, which takes longer than to encode
    it.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Optional: put {ARCHIVE} (from {URL}) here to spare a download."

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIZE, SIZE, 3), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=NAMES),
                    "id": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://github.com/bertinetto/r2d2",
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict]]]:
        images = read_archive(_archive(dl_manager))
        return {split: self._generate_examples(images, names) for split, names in CLASSES.items()}

    def _generate_examples(
        self, images: np.ndarray, names: tuple[str, ...]
    ) -> Iterator[tuple[str, dict]]:
        for name in names:
            for index, image in enumerate(images[NAMES.index(name)]):
                key = f"{name}/{index:03d}"
                yield key, {"image": image, "label": name, "id": key}


def _archive(dl_manager: tfds.download.DownloadManager) -> Path:
    """The user's copy of the archive, or a download whose checksum TFDS has compared."""
    try:
        archive = Path(dl_manager.manual_dir) / ARCHIVE
    except (AssertionError, NotADirectoryError):  # there is no such folder, or it is empty
        return _download(dl_manager)
    return archive if archive.exists() else _download(dl_manager)


def _download(dl_manager: tfds.download.DownloadManager) -> Path:
    try:
        return Path(dl_manager.download(URL))
    except Exception as error:  # TFDS and what it downloads with share no narrower class
        raise UserError(
            f"{URL} cannot be downloaded: put {ARCHIVE} into a folder DIR and give "
            f"--config.manual_dir=DIR ({first_line(error)})."
        ) from error


def read_archive(archive: Path) -> np.ndarray:
    """All images by class, those of the training file first.

    Args:
        archive: archive of CIFAR-100 in its "binary version".

    Returns:
        uint8 [100, 600, 32, 32, 3], in the order of the fine labels.

    Raises:
        UserError: if the archive is unreadable, truncated or damaged, lacks a file, or holds
            another number of images or classes; names the archive.
    """
    try:
        packed = archive.read_bytes()
    except OSError as error:
        raise UserError(
            f"{archive}: cannot be read ({error.strerror}): make it readable or get it from {URL}"
        ) from error
    try:
        return _unpack(packed)
    except (
        EOFError,
        KeyError,
        ValueError,
        gzip.BadGzipFile,
        tarfile.TarError,
        zlib.error,
    ) as error:
        official = Builder.url_infos[URL]
        raise UserError(
            f"{archive}: is not CIFAR-100's binary archive or is damaged ({first_line(error)}): "
            f"delete it and get it again from {URL} ({len(packed)} bytes of sha256 "
            f"{hashlib.sha256(packed).hexdigest()}; the official file has {official.size:d} of "
            f"{official.checksum})"
        ) from error


def _unpack(packed: bytes) -> np.ndarray:
    """As `read_archive`, of the content of the archive."""
    # All at once: whoever stops at the end of the tar misses gzip's checksum behind it.
    content = io.BytesIO(gzip.decompress(packed))
    with tarfile.open(fileobj=content, mode="r:") as tar:
        by_file = [
            _images_by_class(tar.extractfile(f"cifar-100-binary/{name}").read(), count)
            for name, count in FILES.items()
        ]
    return np.concatenate(by_file, axis=1)


def _images_by_class(content: bytes, count: int) -> np.ndarray:
    """The images of a file, uint8 [100, count, 32, 32, 3], each class in the order of the file."""
    expected = len(NAMES) * count * RECORD_BYTES
    if len(content) != expected:
        raise ValueError(f"a file of {expected} bytes has {len(content)}")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    labels = records[:, 1]
    if not np.array_equal(np.bincount(labels), [count] * len(NAMES)):
        raise ValueError(f"there are not {count} images of each of {len(NAMES)} classes")
    planes = records[np.argsort(labels, kind="stable"), 2:].reshape(-1, count, 3, SIZE, SIZE)
    return np.moveaxis(planes, 2, -1)
