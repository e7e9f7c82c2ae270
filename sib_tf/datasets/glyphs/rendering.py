"""Draws one character as a small colour image with random typeface, pose, colours and noise."""

import functools

import numpy as np
from PIL import Image, ImageDraw

from sib_tf.datasets.glyphs.fonts import load_face

IMAGE_SIZE = 32
MIN_CONTRAST = 0.2
"""Least difference in luminance (0 to 1) between glyph and background, before noise."""

# Chosen so that the task is hard enough to tell methods apart; changing any changes the data set.
_OUTLINE_PIXELS = 64
_SUPERSAMPLING = 2
_GLYPH_PIXELS = (13.0, 27.0)
_MAX_ROTATION = np.deg2rad(20)
_MAX_SHEAR = 0.4
_MAX_SHIFT = 5.0
_GRADIENT = 0.2
_MAX_NOISE = 0.22

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_PIXEL_AXIS = np.linspace(-1, 1, IMAGE_SIZE, dtype=np.float32)


def render(character: str, faces: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    """Draws `character` in one of `faces`, everything else drawn from `rng`.

    Args:
        character: character to draw, one code point that every face has.
        faces: names of typefaces in `fonts.FACES`.
        rng: generator of all random numbers.

    Returns:
        A uint8 image [IMAGE_SIZE, IMAGE_SIZE, 3].
    """
    outline = draw_outline(character, faces[rng.integers(len(faces))])
    coverage = _pose(outline, rng)
    foreground, background = draw_colours(rng)
    # Planes [3, height, width] until the end: NumPy is slow along a last axis of three.
    image = background[:, None, None] + _gradient(rng)
    image += coverage * (foreground[:, None, None] - image)
    image += rng.uniform(0, _MAX_NOISE) * rng.standard_normal(image.shape, np.float32)
    image = image.clip(0, 1) * 255 + 0.5
    return np.ascontiguousarray(image.astype(np.uint8).transpose(1, 2, 0))


@functools.lru_cache(maxsize=64)
def draw_outline(character: str, face: str) -> Image.Image:
    """The glyph alone, as large as it is designed, cut to its bounding box: 255 is ink."""
    font = load_face(face, _OUTLINE_PIXELS)
    left, top, right, bottom = font.getbbox(character)
    outline = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(outline).text((-left, -top), character, fill=255, font=font)
    return outline.crop(outline.getbbox())


def draw_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Foreground and background RGB whose contrast survives the background's gradient."""
    while True:
        foreground, background = rng.random((2, 3), np.float32)
        if abs((foreground - background) @ _LUMINANCE) >= MIN_CONTRAST + _GRADIENT:
            return foreground, background


def _pose(outline: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Ink coverage [IMAGE_SIZE, IMAGE_SIZE] of the glyph scaled, sheared, turned and shifted."""
    canvas = IMAGE_SIZE * _SUPERSAMPLING
    scale = _SUPERSAMPLING * rng.uniform(*_GLYPH_PIXELS) / max(outline.size)
    angle = rng.uniform(-_MAX_ROTATION, _MAX_ROTATION)
    shear = rng.uniform(-_MAX_SHEAR, _MAX_SHEAR)
    shift = _SUPERSAMPLING * rng.uniform(-_MAX_SHIFT, _MAX_SHIFT, 2)
    # Pillow wants the way back, from the canvas to the outline: turn, then shear, then scale.
    cos, sin = np.cos(angle), np.sin(angle)
    backward = np.array([[1, -shear], [0, 1]]) @ np.array([[cos, sin], [-sin, cos]]) / scale
    offset = np.array(outline.size) / 2 - backward @ (canvas / 2 + shift)
    coefficients = (*backward[0], offset[0], *backward[1], offset[1])
    posed = outline.transform(
        (canvas, canvas), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
    )
    return np.asarray(posed.reduce(_SUPERSAMPLING), np.float32) / 255


def _gradient(rng: np.random.Generator) -> np.ndarray:
    """A linear ramp [IMAGE_SIZE, IMAGE_SIZE] in a random direction, at most `_GRADIENT`."""
    angle = rng.uniform(0, 2 * np.pi)
    strength = rng.uniform(0, _GRADIENT) / np.sqrt(2)
    columns = strength * np.cos(angle) * _PIXEL_AXIS
    rows = strength * np.sin(angle) * _PIXEL_AXIS
    return np.add.outer(rows, columns).astype(np.float32)
