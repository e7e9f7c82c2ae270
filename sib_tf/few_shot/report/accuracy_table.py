"""The table of accuracies of a page, in HTML."""

import html
from collections.abc import Sequence

from sib_tf.few_shot.report import names
from sib_tf.few_shot.report.results import (
    Row,
    Setting,
    baselines,
    by_model,
    by_setting,
    method_of,
    over,
)
from sib_tf.report import wording


def render(rows: Sequence[Row]) -> str:
    """All results, a group for each task and kind of queries."""
    groups = "".join(_table_group(*item) for item in by_setting(rows).items())
    return f"""<div class="table">
<table>
<caption>Mean over the episodes with its 95 % interval; the best accuracy of each group is in bold.
Differences, to prototypes and to the best other method, are paired, episode by episode, and have
intervals of their own. ECE is the expected calibration error. All K of a method come from one pass
over the episodes: each of its rows gives the seconds of that pass.</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Trained on</th>
<th scope="col" class="number">Accuracy, %</th>
<th scope="col" class="number">Over prototypes</th>
<th scope="col" class="number">Over the best other</th><th scope="col" class="number">ECE</th>
<th scope="col" class="number">Seconds</th></tr></thead>
{groups}</table>
</div>"""


def _table_group(setting: Setting, rows: Sequence[Row]) -> str:
    heading = html.escape(
        f"{wording.capital(names.queries(setting.query_shares))} ({setting.task})"
    )
    best = max(row["accuracy"] for row in rows)
    models = by_model(rows).values()
    ordered = [*baselines(rows), *(row for of_model in models for row in of_model)]
    lines = "".join(_table_row(row, row["accuracy"] == best) for row in ordered)
    return f"""<tbody>
<tr><th colspan="7" scope="rowgroup" class="group">{heading}</th></tr>
{lines}</tbody>
"""


def _table_row(row: Row, is_best: bool) -> str:
    accuracy = wording.percent_interval(row["accuracy"], row["ci95"])
    trained_on = names.queries(row["train_query_shares"]) if method_of(row).iterative else "–"
    return f"""<tr{' class="best"' if is_best else ""}>
<th scope="row">{html.escape(method_of(row).name(row))}</th>
<td>{html.escape(trained_on)}</td>
<td class="number">{f"<strong>{accuracy}</strong>" if is_best else accuracy}</td>
<td class="number">{over(row, "start")}</td>
<td class="number">{over(row, "best_other")}</td>
<td class="number">{row["ece"]:.3f}</td>
<td class="number">{row["seconds"]:.1f}</td></tr>
"""
