"""Rendered images are a function of their inputs, visible and varied."""

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.datasets.glyphs import fonts, rendering

FACES = ("DejaVuSans", "STIXGeneral")
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def render(character: str, seed: int) -> np.ndarray:
    return rendering.render(character, FACES, np.random.default_rng(seed))


def test_shape_and_type():
    image = render("R", 0)
    assert image.shape == (32, 32, 3)
    assert image.dtype == np.uint8


def test_same_generator_state_gives_the_same_image():
    np.testing.assert_array_equal(render("R", 1), render("R", 1))


def test_another_generator_state_gives_another_image():
    assert (render("R", 1) != render("R", 2)).any()


def test_another_character_gives_another_image():
    assert (render("R", 1) != render("S", 1)).any()


@pytest.mark.parametrize("seed", range(50))
def test_contrast_exceeds_the_minimum_even_at_the_end_of_the_gradient(seed):
    rng = np.random.default_rng(seed)
    foreground, background = rendering.draw_colours(rng)
    contrast = abs((foreground - background) @ LUMINANCE)
    assert contrast - rendering._GRADIENT >= rendering.MIN_CONTRAST - 1e-6


@pytest.mark.parametrize("seed", range(50))
def test_no_image_is_blank(seed, monkeypatch):
    monkeypatch.setattr(rendering, "_MAX_NOISE", 0)
    luminance = render("R", seed) / 255 @ LUMINANCE
    assert np.ptp(luminance) >= rendering.MIN_CONTRAST


def test_missing_font_is_reported_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts.matplotlib, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(UserError, match=r"NoSuchFace\.ttf: font is missing; reinstall matplotlib"):
        fonts.load_face("NoSuchFace", 64)
