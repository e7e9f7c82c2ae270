"""Names in pictures that the usual font cannot write."""

import warnings

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sib_tf.report import lettering, wording
from sib_tf.report.lettering import FONT, lettered

HAIRCUT = "直剪"


def write_font(file, family, characters):
    """A font whose characters are squares, as wide as they are high."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 900), (900, 900), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    names = {ord(character): f"uni{ord(character):04X}" for character in characters}
    order = [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf({name: pen.glyph() for name in order})
    builder.setupHorizontalMetrics(dict.fromkeys(order, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(file)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs fonts, and takes them away after the test."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    known = font_manager.fontManager.ttflist
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*known])
    monkeypatch.setattr(font_manager, "X11FontDirectories", [str(folder)])
    monkeypatch.setattr(font_manager, "_get_fontconfig_fonts", list)

    def forget():
        for cached in (lettering._families, lettering._installed, lettering._say_once):
            cached.cache_clear()

    def write(family, characters):
        write_font(folder / f"{family}.ttf", family, characters)
        forget()

    forget()
    yield write
    forget()


def drawn(name, **font):
    """Draws a name; fails if matplotlib warns, of a character that it lacks."""
    figure = Figure()
    figure.text(0.1, 0.5, name, **{"weight": "bold", **font})
    with warnings.catch_warnings(action="error"):
        FigureCanvasAgg(figure).draw()


def test_the_usual_font_writes_what_it_can(install):
    name, font = lettered("Żółw αβγ $x$", instead="1")
    assert (name, font) == ("Żółw αβγ $x$", {"fontfamily": [FONT]})
    drawn("Żółw αβγ", **font)


def test_a_font_of_the_system_writes_the_rest(install, caplog):
    install("Hair", "直")
    install("Other", "x")
    install("Scissors", "剪")
    name, font = lettered(f"a {HAIRCUT}", instead="1")
    assert name == f"a {HAIRCUT}"
    assert font == {"fontfamily": [FONT, "Hair", "Scissors"], "weight": "normal"}
    drawn(name, **font)
    assert not caplog.messages


def test_without_a_font_the_number_is_written_and_it_is_said_once(install, caplog):
    install("Hair", "直")
    for number in (1, 2):
        name, font = lettered(HAIRCUT, instead=f"class {number}")
        assert (name, font) == (f"class {number}", {"fontfamily": [FONT]})
    assert len(caplog.messages) == 1
    assert "Noto Sans CJK" in caplog.text


def test_wide_letters_leave_room_for_fewer():
    assert wording.two_lines("m" * 20, 18) == ["m" * 18, "mm"]
    assert wording.two_lines("直" * 20, 18) == ["直" * 12, "直" * 8]
