"""The frame of every page in HTML, without scripts, for screens and paper."""

import html
from collections.abc import Mapping

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


def render(
    title: str, summary: str, facts: Mapping[str, object], main: str, *, style: str = ""
) -> str:
    """A page.

    Args:
        title: title of the page, plain text.
        summary: the result in a sentence or two, plain text.
        facts: facts by name, plain text.
        main: the rest of the page, HTML.
        style: rules in CSS for what only this page has.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_CSS}{style}</style>
</head>
<body>
<header>
<h1>{html.escape(title)}</h1>
<p class="summary">{typeset(summary)}</p>
<dl>
{_listed(facts)}</dl>
</header>
<main>
{main}</main>
</body>
</html>
"""


def typeset(text: str) -> str:
    """Escapes a text for HTML and keeps "K = 3" and "95 %" from being broken over two lines."""
    return html.escape(text).replace("K = ", "K&nbsp;=&nbsp;").replace(" %", "&nbsp;%")


def _listed(facts: Mapping[str, object]) -> str:
    return "".join(
        f"<div><dt>{label}</dt><dd>{typeset(str(value))}</dd></div>\n"
        for label, value in facts.items()
    )
