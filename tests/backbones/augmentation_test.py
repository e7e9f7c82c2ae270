import numpy as np
import pytest

from sib_tf.backbones.augmentation import NUM_DRAWS, Augmentation

# floor(0.5 * (2 * pad + 1)) - pad = 0: no shift. 0.5 is no flip and gives factors of 1.
IDENTITY = np.full(NUM_DRAWS, 0.5, np.float32)


def images(count=4, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 7, 9, 3), np.uint8)


def rows(count=4, **changes):
    """Rows of draws that change nothing, except those given by position: d0 .. d5."""
    draws = np.tile(IDENTITY, (count, 1))
    for name, value in changes.items():
        draws[:, int(name[1:])] = value
    return draws


def shifted(image, dy, dx):
    """The image through a window moved by (dy, dx) down and right, black outside the image."""
    height, width, _ = image.shape
    padded = np.pad(image, [(4, 4), (4, 4), (0, 0)])
    return padded[4 + dy : 4 + dy + height, 4 + dx : 4 + dx + width]


def test_identity_draws_change_nothing():
    found = Augmentation(4, True, 0.4)(images(), rows())
    np.testing.assert_allclose(found, images(), atol=1e-3)


@pytest.mark.parametrize("dy", [-4, 0, 3])
@pytest.mark.parametrize("dx", [-1, 0, 4])
def test_a_shift_moves_pixels_and_leaves_black(dy, dx):
    # The draw (s + 4.5) / 9 is in the middle of the ninth of [0, 1) that stands for shift s.
    draws = rows(d0=(dy + 4.5) / 9, d1=(dx + 4.5) / 9)
    found = Augmentation(4, True, 0.0)(images(), draws)
    np.testing.assert_array_equal(found, [shifted(image, dy, dx) for image in images()])


def test_a_flip_mirrors_left_and_right():
    found = Augmentation(4, True, 0.0)(images(), rows(d2=0.49))
    np.testing.assert_array_equal(found, images()[:, :, ::-1])
    unflipped = Augmentation(4, False, 0.0)(images(), rows(d2=0.49))
    np.testing.assert_array_equal(unflipped, images())


def test_a_flip_after_a_shift():
    found = Augmentation(4, True, 0.0)(images(), rows(d0=0.99, d1=0.99, d2=0.0))
    # Output (y, x) is input (y + 4, W-1-x + 4): the shifted picture, mirrored.
    expected = [shifted(image, 4, 4)[:, ::-1] for image in images()]
    np.testing.assert_array_equal(found, expected)


def test_brightness_by_hand():
    # Factor 1 + 0.4 * (2 * 0.75 - 1) = 1.2: 100 -> 120, and 240 -> 288, clipped to 255.
    grey = np.empty((1, 2, 2, 3), np.uint8)
    grey[..., 0, :], grey[..., 1, :] = 100, 240
    found = Augmentation(4, True, 0.4)(grey, rows(1, d3=0.75)).numpy()
    np.testing.assert_allclose(found[0, :, 0], 120, atol=0.05)
    np.testing.assert_allclose(found[0, :, 1], 255, atol=0.05)


def test_contrast_by_hand():
    # Factor 0.6 about the mean grey 150 of 100 and 200: 150 -+ 0.6 * 50 = 120 and 180.
    grey = np.empty((1, 2, 2, 3), np.uint8)
    grey[..., 0, :], grey[..., 1, :] = 100, 200
    found = Augmentation(4, True, 0.4)(grey, rows(1, d4=0.0)).numpy()
    np.testing.assert_allclose(found[0, :, 0], 120, atol=0.05)
    np.testing.assert_allclose(found[0, :, 1], 180, atol=0.05)


def test_saturation_by_hand():
    # Red 100 has grey 0.2989 * 100 = 29.89. Factor 0.6: red 0.6 * 100 + 0.4 * 29.89 = 71.956,
    # green and blue 0.4 * 29.89 = 11.956.
    red = np.zeros((1, 2, 2, 3), np.uint8)
    red[..., 0] = 100
    found = Augmentation(4, True, 0.4)(red, rows(1, d5=0.0)).numpy()
    np.testing.assert_allclose(
        found, np.broadcast_to([71.956, 11.956, 11.956], found.shape), atol=0.05
    )


def test_a_picture_does_not_depend_on_its_batch():
    draws = np.random.default_rng(1).random((4, NUM_DRAWS), np.float32)
    together = Augmentation(4, True, 0.4)(images(), draws).numpy()
    assert together.dtype == np.float32
    assert together.min() >= 0
    assert together.max() <= 255
    for i in (2, 0):
        alone = Augmentation(4, True, 0.4)(images()[i : i + 1], draws[i : i + 1])
        np.testing.assert_allclose(alone[0], together[i], rtol=0, atol=1e-3)
