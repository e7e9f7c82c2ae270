"""The typefaces that ship inside matplotlib, and which of them have a given character."""

import functools
from pathlib import Path

import matplotlib
from fontTools.ttLib import TTFont
from PIL import ImageFont

from sib_tf.base.errors import UserError

FACES: tuple[str, ...] = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-Oblique",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "DejaVuSerif-BoldItalic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
)


@functools.cache
def load_face(face: str, pixels: int) -> ImageFont.FreeTypeFont:
    """Opens a face at a size of `pixels` an em."""
    # The basic layout draws one code point as it is; Raqm would shape it by its script.
    return ImageFont.truetype(_face_path(face), pixels, layout_engine=ImageFont.Layout.BASIC)


def faces_with(character: str) -> tuple[str, ...]:
    """The faces that have a glyph of their own for `character`, in the order of `FACES`."""
    return tuple(face for face in FACES if ord(character) in _code_points(face))


@functools.cache
def _code_points(face: str) -> frozenset[int]:
    with TTFont(_face_path(face), lazy=True) as font:
        return frozenset(font.getBestCmap())


def _face_path(face: str) -> Path:
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"
    if not path.is_file():
        raise UserError(f"{path}: font is missing; reinstall matplotlib, which ships it")
    return path
