"""Files decoded in the graph, compared with Pillow."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sib_tf.datasets.images import read_rgb
from sib_tf.serving.encoded_images import MAX_PIXELS, decode


def smooth(height, width, channels=3):
    """An image without noise, so that different resize algorithms agree."""
    y, x = np.mgrid[:height, :width] / (height + width)
    waves = [np.sin(5 * x + 3 * c) * np.cos(4 * y - c) for c in range(channels)]
    return (127.5 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def encode(pixels, format="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(stream, format, **options)
    return stream.getvalue()


def test_png_of_the_right_size_is_unchanged():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 6, 5, 3), dtype=np.uint8)
    files = [[encode(image) for image in row] for row in images]
    found = tf.function(decode)("x", tf.constant(files), 6, 5)
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, images)


@pytest.mark.parametrize("size", [(40, 90), (90, 40), (20, 20), (7, 31)])
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_other_sizes_are_cropped_about_their_centre_and_resized(tmp_path, size, format):
    options = {"quality": 98, "subsampling": 0} if format == "JPEG" else {}
    file = encode(smooth(*size), format, **options)
    (tmp_path / "image").write_bytes(file)
    expected = read_rgb(tmp_path / "image", (16, 16))
    found = decode("x", tf.constant([file]), 16, 16)[0]
    # Pillow crops by fractions of a pixel and rounds differently when it decodes JPEG.
    np.testing.assert_allclose(np.asarray(found, int), expected.astype(int), rtol=0, atol=8)
    assert np.abs(np.asarray(found, int) - expected).mean() < 1.5


def test_grey_becomes_rgb():
    grey = smooth(8, 8, channels=1)
    found = decode("x", tf.constant([encode(grey)]), 8, 8)[0]
    np.testing.assert_array_equal(found, np.repeat(grey, 3, axis=-1))


def test_an_empty_file_is_an_image_of_zeros():
    image = smooth(8, 8)
    found = decode("x", tf.constant([b"", encode(image)]), 8, 8)
    np.testing.assert_array_equal(found, [np.zeros_like(image), image])


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"GIF89a", r"x must be JPEG or PNG files, or empty; neither is the one at.*1"),
        (encode(smooth(8, 8))[:50], "x_cannot_be_decoded"),
        (encode(smooth(8, 8), "JPEG")[:80], "x_cannot_be_decoded"),
    ],
)
def test_a_file_that_is_not_an_image_is_refused_with_the_input_name(file, words):
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        tf.function(decode)("x", tf.constant([encode(smooth(8, 8)), file]), 8, 8)


def of_size(file, height, width):
    """Replaces the image size in the header of a file."""
    if file.startswith(b"\x89PNG"):
        place, size = 16, struct.pack(">II", width, height)
    else:  # after the marker, length and precision of a frame
        place, size = file.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width)
    return file[:place] + size + file[place + len(size) :]


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_a_small_file_of_a_huge_image_is_refused_before_it_is_decoded(format):
    small = encode(smooth(8, 8), format)
    huge = of_size(small, 9000, 20_000)  # 180 million pixels
    words = rf"x must have no more than {MAX_PIXELS} pixels, got height and width\] \[9000 20000\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        tf.function(decode)("x", tf.constant([small, huge]), 8, 8)


def test_pillow_has_the_same_limit():
    assert MAX_PIXELS == 2 * Image.MAX_IMAGE_PIXELS
