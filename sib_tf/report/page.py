"""A page in HTML with its pictures inside: one file without scripts or links."""

import base64
import dataclasses
import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib.style

from sib_tf.report import document
from sib_tf.report.picture import Picture, encode_png
from sib_tf.report.style import SETTINGS

_PIXELS_PER_INCH = 100  # pictures hold more pixels than the page asks for: sharp when zoomed


@dataclasses.dataclass(frozen=True)
class Page:
    """What a page says, in plain text but for the table.

    Attributes:
        title: title of the page.
        summary: the result in a sentence or two.
        facts: facts about the experiment, by name.
        table: the results, HTML.
    """

    title: str
    summary: str
    facts: Mapping[str, object]
    table: str


def write(path: Path, page: Page, draw: Callable[[], Mapping[str, Picture | None]]) -> None:
    """Writes a page, and its pictures as PNG files into `pictures/` beside it.

    Args:
        path: the HTML file. Folders are made as needed; existing files are replaced.
        page: content.
        draw: callable that makes the pictures, by file name; None where there is nothing to draw.
    """
    folder = path.parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    # The "default" undoes the user's matplotlibrc, which would change the bytes.
    with matplotlib.style.context(["default", SETTINGS]):
        for name, picture in draw().items():
            file = folder / f"{name}.png"
            if picture is None:
                file.unlink(missing_ok=True)  # an earlier run's would pass for this one's
                continue
            png = encode_png(picture.figure)
            file.write_bytes(png)
            figures.append(_figure(picture, png))
    path.write_text(_render(page, figures), encoding="utf-8")


def _render(page: Page, figures: Sequence[str]) -> str:
    main = f"""<section>
<h2>Results</h2>
{page.table}
</section>
{"".join(figures)}"""
    return document.render(page.title, page.summary, page.facts, main)


def _figure(picture: Picture, png: bytes) -> str:
    """The section of a picture, with its PNG file inside."""
    width = round(picture.figure.get_figwidth() * _PIXELS_PER_INCH)
    return f"""<section>
<h2>{html.escape(picture.title)}</h2>
<figure>
<img src="data:image/png;base64,{base64.b64encode(png).decode()}" width="{width}"
alt="{html.escape(picture.alternative)}">
<figcaption>{document.typeset(picture.caption)}</figcaption>
</figure>
</section>
"""
