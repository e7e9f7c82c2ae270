"""The page of an evaluation in HTML, in one file without scripts or links."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

from sib_tf.report import names
from sib_tf.report.picture import Picture
from sib_tf.report.results import Row, Setting, by_model, by_setting, is_prototypes, prototypes
from sib_tf.report.summary import summarize

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


def render(report: Mapping[str, Any], figures: Sequence[str]) -> str:
    """The page with these figures, which `render_figure` made."""
    title = html.escape(f"Few-shot classification on {report['dataset']}")
    facts = "".join(
        f"<div><dt>{label}</dt><dd>{_typeset(str(value))}</dd></div>\n"
        for label, value in (
            ("Data set", report["dataset"]),
            ("Split", report["split"]),
            ("Backbone", report["backbone"]),
            ("Trained with", f"K = {report['num_steps']}, step size {report['step_size']:g}"),
            ("Episodes", f"{report['episodes']:,}"),
            ("Seed", report["seed"]),
        )
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
<p class="summary">{_typeset(summarize(report))}</p>
<dl>
{facts}</dl>
</header>
<main>
<section>
<h2>Results</h2>
{_table(report["results"])}
</section>
{"".join(figures)}</main>
</body>
</html>
"""


def _typeset(text: str) -> str:
    """Escapes a text for HTML and keeps "K = 3" and "95 %" from being broken over two lines."""
    return html.escape(text).replace("K = ", "K&nbsp;=&nbsp;").replace(" %", "&nbsp;%")


def _table(rows: Sequence[Row]) -> str:
    groups = "".join(_table_group(*item) for item in by_setting(rows).items())
    return f"""<div class="table">
<table>
<caption>Mean over the episodes with its 95 % interval; the best accuracy of each group is in bold.
ECE is the expected calibration error. All K of a method come from one pass over the episodes: each
of its rows gives the seconds of that pass.</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Trained on</th>
<th scope="col" class="number">Accuracy, %</th><th scope="col" class="number">ECE</th>
<th scope="col" class="number">Seconds</th></tr></thead>
{groups}</table>
</div>"""


def _table_group(setting: Setting, rows: Sequence[Row]) -> str:
    heading = html.escape(f"{names.capital(names.queries(setting.query_shares))} ({setting.task})")
    best = max(row["accuracy"] for row in rows)
    models = by_model(rows).values()
    ordered = [*prototypes(rows), *(row for of_model in models for row in of_model)]
    lines = "".join(_table_row(row, row["accuracy"] == best) for row in ordered)
    return f"""<tbody>
<tr><th colspan="5" scope="rowgroup" class="group">{heading}</th></tr>
{lines}</tbody>
"""


def _table_row(row: Row, is_best: bool) -> str:
    accuracy = f"{names.percent(row['accuracy'])} ± {names.percent(row['ci95'])}"
    trained_on = "–" if is_prototypes(row) else names.queries(row["train_query_shares"])
    return f"""<tr{' class="best"' if is_best else ""}>
<th scope="row">{html.escape(names.method(row))}</th>
<td>{html.escape(trained_on)}</td>
<td class="number">{f"<strong>{accuracy}</strong>" if is_best else accuracy}</td>
<td class="number">{row["ece"]:.3f}</td>
<td class="number">{row["seconds"]:.1f}</td></tr>
"""


def render_figure(picture: Picture, png: bytes) -> str:
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
