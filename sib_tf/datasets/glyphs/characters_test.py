"""The frozen character lists: sizes, availability and the absence of look-alikes."""

import itertools

import numpy as np
from PIL import Image, ImageFilter

from sib_tf.datasets.glyphs.characters import CHARACTERS, TEST, TRAIN, VALIDATION
from sib_tf.datasets.glyphs.fonts import faces_with
from sib_tf.datasets.glyphs.rendering import draw_outline

ALL = TRAIN + VALIDATION + TEST
BOX = 24
# The lists were chosen with a limit of 0.845 on finer outlines; a homoglyph scores above 0.95.
ALIKE = 0.88


def test_counts():
    assert {split: len(characters) for split, characters in CHARACTERS.items()} == {
        "train": 96,
        "validation": 24,
        "test": 30,
    }


def test_no_character_occurs_twice_in_either_case():
    assert len({character.upper() for character in ALL}) == len(ALL)


def test_at_least_four_faces_have_each_character():
    assert {c: faces_with(c) for c in ALL if len(faces_with(c)) < 4} == {}


def test_no_two_characters_look_alike_when_scaled_or_turned():
    owners = [c for c in ALL for _ in faces_with(c)]
    outlines = [draw_outline(c, face) for c in ALL for face in faces_with(c)]
    upright = np.stack([normalised_shape(outline) for outline in outlines])
    starts = [owners.index(c) for c in ALL]
    pairs = set()
    for degrees in (-20, 0, 20):
        turned = np.stack([normalised_shape(outline, degrees) for outline in outlines])
        likeness = np.maximum.reduceat(upright @ turned.T, starts, axis=0)
        likeness = np.maximum.reduceat(likeness, starts, axis=1)
        pairs |= {
            ALL[i] + ALL[j]
            for i, j in itertools.permutations(range(len(ALL)), 2)
            if likeness[i, j] > ALIKE
        }
    assert pairs == set()


def normalised_shape(outline: Image.Image, degrees: float = 0) -> np.ndarray:
    """The blurred glyph in a box of a fixed size, as a vector of zero mean and unit length."""
    turned = outline.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    turned = turned.crop(turned.point(lambda ink: 255 * (ink > 64)).getbbox())
    side = max(turned.size)
    square = Image.new("L", (side, side))
    square.paste(turned, ((side - turned.width) // 2, (side - turned.height) // 2))
    square = square.resize((BOX, BOX), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1))
    shape = np.asarray(square, np.float32).ravel()
    shape = shape - shape.mean()
    return shape / np.linalg.norm(shape)
