"""The results of an evaluation as a Markdown table, for terminals and READMEs."""

from collections.abc import Mapping
from typing import Any

from sib_tf.few_shot.report import names
from sib_tf.report import wording


def markdown(report: Mapping[str, Any]) -> str:
    """A row per method and K, a column pair (accuracy ± 95 % interval, ECE) per query shares.

    Args:
        report: the content of `report.json`.
    """
    shares = list(dict.fromkeys(row["query_shares"] for row in report["results"]))
    cells = {
        (names.method_at_any_k(row), row["num_steps"], row["query_shares"]): _cell(row)
        for row in report["results"]
    }
    heads = " | ".join(f"{name} accuracy, % | ECE" for name in shares)
    lines = [f"| method | K | {heads} |", "|---|---|" + "---|---|" * len(shares)]
    for method, steps in dict.fromkeys(key[:2] for key in cells):
        values = " | ".join(cells.get((method, steps, name), " | ").strip() for name in shares)
        lines.append(f"| {method} | {steps} | {values} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any]) -> str:
    accuracy, interval = wording.percent(row["accuracy"]), wording.percent(row["ci95"])
    return f"{accuracy} ± {interval} | {row['ece']:.3f}"
