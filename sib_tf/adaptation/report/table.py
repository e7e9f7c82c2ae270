"""The table of a zero-shot classification: a row for each method, a column for each K."""

from collections.abc import Mapping
from typing import Any

from sib_tf.adaptation.report import names
from sib_tf.report import html_table, wording
from sib_tf.report.markdown import table


def markdown(report: Mapping[str, Any]) -> str:
    """The table in Markdown: accuracy on the target in %."""
    return table(_heads(report), _cells(report))


def render(report: Mapping[str, Any]) -> str:
    """The same in HTML."""
    caption = (
        f"Accuracy in % on the {report['images']:,} images of the target after K steps, with its "
        "95 % interval over the images."
    )
    return html_table.render(caption, _heads(report), _cells(report))


def _heads(report: Mapping[str, Any]) -> list[str]:
    return ["method", *(f"K = {k}" for k in _steps(report))]


def _steps(report: Mapping[str, Any]) -> list[int]:
    return sorted({row["num_steps"] for row in report["results"]})


def _cells(report: Mapping[str, Any]) -> list[list[str]]:
    found = {(row["method"], row["num_steps"]): row for row in report["results"]}
    methods = dict.fromkeys(method for method, _ in found)
    return [
        [names.title(method), *(_cell(found.get((method, k))) for k in _steps(report))]
        for method in methods
    ]


def _cell(row: Mapping[str, Any] | None) -> str:
    return wording.percent_interval(row["accuracy"], row["ci95"]) if row else ""
