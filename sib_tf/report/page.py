"""A page in HTML with its pictures inside: one file without scripts or links."""

import base64
import dataclasses
import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib.style

from sib_tf.report.picture import Picture, encode_png
from sib_tf.report.style import SETTINGS

_PIXELS_PER_INCH = 100  # pictures hold more pixels than the page asks for: sharp when zoomed

_CSS = """
:root { color-scheme: light dark; --ink: #1d2125; --soft: #5b646d; --rule: #dfe3e7;
  --paper: #ffffff; --band: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --soft: #a3adb6; --rule: #3a4147; --paper: #16191c; --band: #21262a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 3rem 1.5rem 5rem; max-width: 62rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0 0 .75rem; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 3.5rem 0 1rem; font-size: 1.25rem; }
.summary { margin: 0; max-width: 46rem; font-size: 1.125rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1.75rem 0 0; }
dt { color: var(--soft); font-size: .8125rem; }
dd { margin: 0; }
.table { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .75rem; color: var(--soft); font-size: .875rem; text-align: left; }
th, td { padding: .4rem .75rem; border-bottom: 1px solid var(--rule); text-align: left; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
th.group { padding-top: 1.25rem; font-weight: 600; }
thead th { color: var(--soft); font-size: .8125rem; }
.number { text-align: right; white-space: nowrap; }
tr.best { background: var(--band); }
figure { margin: 0; }
img { display: block; max-width: 100%; height: auto; padding: .75rem; border-radius: 6px;
  border: 1px solid var(--rule); background: #ffffff; }
figcaption { margin-top: .75rem; max-width: 46rem; color: var(--soft); font-size: .9375rem; }
@media print {
  :root { --ink: #000; --soft: #444; --rule: #bbb; --paper: #fff; --band: #eee; }
  body { padding: 0; font-size: 10pt; }
  h2 { margin-top: 2rem; break-after: avoid; }
  section, tr { break-inside: avoid; }
  img { padding: 0; border: 0; } }
"""


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
    title = html.escape(page.title)
    facts = "".join(
        f"<div><dt>{label}</dt><dd>{_typeset(str(value))}</dd></div>\n"
        for label, value in page.facts.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_CSS}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="summary">{_typeset(page.summary)}</p>
<dl>
{facts}</dl>
</header>
<main>
<section>
<h2>Results</h2>
{page.table}
</section>
{"".join(figures)}</main>
</body>
</html>
"""


def _typeset(text: str) -> str:
    """Escapes a text for HTML and keeps "K = 3" and "95 %" from being broken over two lines."""
    return html.escape(text).replace("K = ", "K&nbsp;=&nbsp;").replace(" %", "&nbsp;%")


def _figure(picture: Picture, png: bytes) -> str:
    """The section of a picture, with its PNG file inside."""
    width = round(picture.figure.get_figwidth() * _PIXELS_PER_INCH)
    return f"""<section>
<h2>{html.escape(picture.title)}</h2>
<figure>
<img src="data:image/png;base64,{base64.b64encode(png).decode()}" width="{width}"
alt="{html.escape(picture.alternative)}">
<figcaption>{_typeset(picture.caption)}</figcaption>
</figure>
</section>
"""
