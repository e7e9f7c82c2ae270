"""The builder under TFDS' own checks, on a small archive in the layout of the real one."""

import hashlib
import io
import re
import tarfile
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError
from sib_tf.datasets.cifar_fs import cifar_fs_dataset_builder as cifar_fs
from sib_tf.datasets.cifar_fs.splits import CLASSES

FEW = {"train.bin": 2, "test.bin": 1}


def records(count, first):
    """Records in an order that mixes the classes; pixels encode class, index and channel."""
    order = np.random.default_rng(0).permutation(100)
    for index in range(first, first + count):
        for label in order:
            planes = [np.full((32, 32), value, np.uint8) for value in (label, index, 7)]
            planes[0][0, 1] = 255  # right of the top left corner
            yield bytes([0, label]) + b"".join(plane.tobytes() for plane in planes)


def write_archive(path, contents):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(f"cifar-100-binary/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def small_archive(folder):
    contents = {"train.bin": b"".join(records(2, 0)), "test.bin": b"".join(records(1, 2))}
    return write_archive(folder / cifar_fs.ARCHIVE, contents)


@pytest.fixture
def few_images():
    with mock.patch.object(cifar_fs, "FILES", FEW):
        yield


@pytest.mark.usefixtures("few_images")
class CifarFSTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = cifar_fs.Builder
    SPLITS = {"train": 192, "validation": 48, "test": 60}  # noqa: RUF012

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = Path(folder.name)
        small_archive(cls.EXAMPLE_DIR)
        super().setUpClass()


@pytest.mark.parametrize(
    "error",
    [
        tfds.download.download_manager.NonMatchingChecksumError("Checksum\nis wrong."),
        ConnectionError("no route\nto host"),
    ],
)
@pytest.mark.parametrize("manual", ["absent", "empty", "file", "other"])
def test_a_failed_download_says_in_one_line_what_to_do(tmp_path, error, manual):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "other" / "something").mkdir(parents=True)
    dl_manager = tfds.download.DownloadManager(
        download_dir=tmp_path / "downloads",
        manual_dir=tmp_path / manual,
        manual_dir_instructions=cifar_fs.Builder.MANUAL_DOWNLOAD_INSTRUCTIONS,
    )
    builder = cifar_fs.Builder(data_dir=tmp_path / "data")
    with (
        mock.patch.object(dl_manager, "download", side_effect=error),
        pytest.raises(UserError) as caught,
    ):
        builder._split_generators(dl_manager)
    message = str(caught.value)
    assert message.startswith(f"{cifar_fs.URL} cannot be downloaded: put {cifar_fs.ARCHIVE} into")
    assert "--config.manual_dir=DIR" in message
    assert "\n" not in message


def test_each_class_of_cifar_100_is_in_one_split():
    assert [len(names) for names in CLASSES.values()] == [64, 16, 20]
    assert len(set(cifar_fs.NAMES)) == 100
    # The fine labels of CIFAR-100's superclass "aquatic mammals".
    aquatic = [cifar_fs.NAMES[label] for label in (4, 30, 55, 72, 95)]
    assert aquatic == ["beaver", "dolphin", "otter", "seal", "whale"]


def test_images_are_channel_last_and_ordered_by_class_then_file(tmp_path, few_images):
    images = cifar_fs.read_archive(small_archive(tmp_path))
    assert images.shape == (100, 3, 32, 32, 3)
    np.testing.assert_array_equal(images[:, :, 5, 5, 0], np.tile(np.arange(100)[:, None], 3))
    np.testing.assert_array_equal(images[:, :, 5, 5, 1], np.tile(np.arange(3), (100, 1)))
    np.testing.assert_array_equal(images[..., 2], 7)
    assert (images[:, :, 0, 1, 0] == 255).all()


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ({"train.bin": b"".join(records(2, 0))}, "test.bin"),
        ({"train.bin": b"".join(records(2, 0))[:-1], "test.bin": b""}, "614800 bytes has 614799"),
        (
            {"train.bin": next(records(1, 0)) * 200, "test.bin": b""},
            "not 2 images of each of 100 classes",
        ),
    ],
)
def test_a_wrong_archive_is_named(tmp_path, few_images, contents, reason):
    archive = write_archive(tmp_path / cifar_fs.ARCHIVE, contents)
    with pytest.raises(UserError, match=f"^{re.escape(str(archive))}: .*{reason}.*get it again"):
        cifar_fs.read_archive(archive)


@pytest.mark.parametrize("size", [0, 10, 1000, -4])
def test_a_truncated_archive_is_named(tmp_path, few_images, size):
    archive = small_archive(tmp_path)
    archive.write_bytes(archive.read_bytes()[:size])
    with pytest.raises(UserError, match=f"^{re.escape(str(archive))}: is not CIFAR-100"):
        cifar_fs.read_archive(archive)


# Damage to the pixels, to the code tables of deflate, and to the two parts of gzip's trailer.
@pytest.mark.parametrize(
    ("start", "stop", "mask"),
    [(2000, 2001, 1), (42, 106, 0), (-8, -7, 1), (-4, -3, 1)],
    ids=["flipped bit", "zeroed run", "checksum", "length"],
)
def test_a_damaged_archive_is_told_from_the_official_one(tmp_path, few_images, start, stop, mask):
    archive = small_archive(tmp_path)
    content = bytearray(archive.read_bytes())
    content[start:stop] = [byte ^ mask if mask else 0 for byte in content[start:stop]]
    archive.write_bytes(content)
    with pytest.raises(UserError, match=f"^{re.escape(str(archive))}: is not CIFAR-100") as error:
        cifar_fs.read_archive(archive)
    message = str(error.value)
    assert f"({len(content)} bytes of sha256 {hashlib.sha256(content).hexdigest()};" in message
    assert "has 168513733 of 58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2" in message
    assert "\n" not in message


def test_an_unreadable_archive_is_named(tmp_path):
    with pytest.raises(UserError, match=rf"^{re.escape(str(tmp_path))}: cannot be read \(Is a dir"):
        cifar_fs.read_archive(tmp_path)
