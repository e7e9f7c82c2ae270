"""The results of an evaluation as a Markdown table, for terminals and READMEs."""

from collections.abc import Mapping
from typing import Any


def markdown(report: Mapping[str, Any]) -> str:
    """A row per method and K, a column pair (accuracy ± 95 % interval, ECE) per query shares.

    Args:
        report: the content of `report.json`.
    """
    shares = list(dict.fromkeys(row["query_shares"] for row in report["results"]))
    cells = {
        (_method(row), row["num_steps"], row["query_shares"]): (
            f"{100 * row['accuracy']:.1f} ± {100 * row['ci95']:.1f} | {row['ece']:.3f}"
        )
        for row in report["results"]
    }
    heads = " | ".join(f"{name} accuracy, % | ECE" for name in shares)
    lines = [f"| method | K | {heads} |", "|---|---|" + "---|---|" * len(shares)]
    for method, steps in dict.fromkeys(key[:2] for key in cells):
        values = " | ".join(cells.get((method, steps, name), " | ").strip() for name in shares)
        lines.append(f"| {method} | {steps} | {values} |")
    return "\n".join(lines)


def _method(row: Mapping[str, Any]) -> str:
    if row["method"] == "prototypes":
        return "cosine prototypes"
    trained = row["train_query_shares"]
    return f"SIB, {row['synthetic_gradient']} network, trained on {trained} queries"
