"""The results of an evaluation as a Markdown table, for terminals and READMEs."""

from collections.abc import Mapping
from typing import Any

from sib_tf.few_shot.methods.method import Row
from sib_tf.few_shot.report.results import method_of
from sib_tf.report import wording


def markdown(report: Mapping[str, Any]) -> str:
    """A row per method and K, a column pair (accuracy ± 95 % interval, ECE) per query shares.

    Args:
        report: content of `report.json`.
    """
    shares = list(dict.fromkeys(row["query_shares"] for row in report["results"]))
    cells = {(*_method(row), row["query_shares"]): _cell(row) for row in report["results"]}
    heads = " | ".join(f"{name} accuracy, % | ECE" for name in shares)
    lines = [f"| method | K | {heads} |", "|---|---|" + "---|---|" * len(shares)]
    for method, steps in dict.fromkeys(key[:2] for key in cells):
        values = " | ".join(cells.get((method, steps, name), " | ").strip() for name in shares)
        lines.append(f"| {method} | {steps} | {values} |")
    return "\n".join(lines)


def _method(row: Row) -> tuple[str, str]:
    """The first two cells of a line."""
    method = method_of(row)
    return method.name_at_any_k(row), method.steps(row)


def _cell(row: Row) -> str:
    accuracy, interval = wording.percent(row["accuracy"]), wording.percent(row["ci95"])
    return f"{accuracy} ± {interval} | {row['ece']:.3f}"
