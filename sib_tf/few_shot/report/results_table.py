"""The results of an evaluation as a Markdown table, for terminals and READMEs."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from sib_tf.few_shot.methods.method import Row
from sib_tf.few_shot.report.results import method_of, over
from sib_tf.report import wording
from sib_tf.report.markdown import table

_NONE = ("", "", "", "")  # of a method that was not evaluated with these shares


def markdown(report: Mapping[str, Any]) -> str:
    """A row per method and K; for each query shares accuracy, paired differences and ECE.

    ± is a 95 % interval.

    Args:
        report: content of `report.json`.
    """
    shares = list(dict.fromkeys(row["query_shares"] for row in report["results"]))
    cells = {(*_method(row), row["query_shares"]): _cells(row) for row in report["results"]}
    heads = chain.from_iterable(
        (f"{name} accuracy, %", "over prototypes", "over the best other", "ECE") for name in shares
    )
    rows = []
    for method, steps in dict.fromkeys(key[:2] for key in cells):
        found = (cells.get((method, steps, name), _NONE) for name in shares)
        rows.append([method, steps, *chain.from_iterable(found)])
    return table(["method", "K", *heads], rows)


def _method(row: Row) -> tuple[str, str]:
    """The first two cells of a line."""
    method = method_of(row)
    return method.name_at_any_k(row), method.steps(row)


def _cells(row: Row) -> tuple[str, ...]:
    """Accuracy, differences and ECE."""
    accuracy = wording.percent_interval(row["accuracy"], row["ci95"])
    return accuracy, over(row, "start"), over(row, "best_other"), f"{row['ece']:.3f}"
