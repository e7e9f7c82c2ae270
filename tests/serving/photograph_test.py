"""Image files as the model sees them and as thumbnails, read while the model works."""

import io
import threading

import numpy as np
import pytest
from PIL import ExifTags, Image

from sib_tf.datasets.images import UnreadableImageError, read_rgb
from sib_tf.serving.predict import photograph, reading
from sib_tf.serving.predict.photograph import Photograph


def half_red(path, orientation=None):
    """An image of 300 by 200 pixels whose left half is red, and the right half blue."""
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[:, :150, 0], pixels[:, 150:, 2] = 255, 255
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    return path


def thumbnail_of(found):
    return np.asarray(Image.open(io.BytesIO(found.thumbnail)), int)


def test_a_thumbnail_keeps_the_aspect_ratio(tmp_path):
    found = photograph.read(half_red(tmp_path / "a.jpg"), (64, 32))
    np.testing.assert_array_equal(found.pixels, read_rgb(tmp_path / "a.jpg", (64, 32)))
    thumbnail = thumbnail_of(found)
    assert thumbnail.shape == (80, 120, 3)
    np.testing.assert_allclose(thumbnail[40, [5, 115]], [[255, 0, 0], [0, 0, 255]], atol=12)
    assert len(found.thumbnail) < 4000


def test_a_thumbnail_is_upright(tmp_path):
    # Orientation 6: what is left in the file is above.
    thumbnail = thumbnail_of(photograph.read(half_red(tmp_path / "a.jpg", 6), (64, 64)))
    assert thumbnail.shape == (120, 80, 3)
    np.testing.assert_allclose(thumbnail[[5, 115], 40], [[255, 0, 0], [0, 0, 255]], atol=12)


def test_a_thumbnail_of_a_line_is_a_line(tmp_path):
    Image.new("RGB", (1000, 1)).save(tmp_path / "a.png")
    found = photograph.read(tmp_path / "a.png", (8, 8))
    assert thumbnail_of(found).shape == (1, 120, 3)


@pytest.fixture
def numbered(monkeypatch):
    """Files that are named after a number, which is all that is in them; 7 is unreadable.

    Returns the numbers that have been read.
    """
    begun, lock = [], threading.Lock()

    def read(path, size):
        with lock:
            begun.append(int(path.name))
        if path.name == "7":
            raise UnreadableImageError("7: is not an image")
        pixels = np.full((*size, 3), int(path.name) % 256, np.uint8)
        return Photograph(pixels, path.name.encode())

    monkeypatch.setattr(photograph, "read", read)
    return begun


def test_images_keep_their_order_and_few_are_read_before_they_are_needed(
    numbered, tmp_path, caplog
):
    files = [tmp_path / str(n) for n in range(200)]
    ahead = []

    def keep(images):
        ahead.append(len(numbered) - images[-1, 0, 0, 0])
        return images[:, 0, 0, :1]

    found = reading.read_images(files, (2, 2), keep, "images")
    readable = [n for n in range(200) if n != 7]
    assert found.readable.nonzero()[0].tolist() == readable
    assert found.kept[:, 0].tolist() == readable
    assert [int(name) for name in found.thumbnails] == readable
    assert max(ahead) <= 66
    assert caplog.text.count("Skipped: 7: is not an image") == 1


def test_nothing_is_kept_where_nothing_can_be_read(numbered, tmp_path):
    found = reading.read_images([tmp_path / "7"], (2, 2), lambda images: images, "images")
    assert not found.readable.any()
    assert len(found.kept) == len(found.thumbnails) == 0
