"""The result of an evaluation in one sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from sib_tf.few_shot.report import names
from sib_tf.few_shot.report.results import Comparison, Row, by_setting, comparisons
from sib_tf.report import wording


def summarize(report: Mapping[str, Any]) -> str:
    """Says where, and what the steps change."""
    rows = report["results"]
    tasks = " and ".join(dict.fromkeys(str(setting.task) for setting in by_setting(rows)))
    finding = _finding(rows, report["num_steps"])
    return (
        f"In {report['episodes']:,} episodes ({tasks}) of the {report['split']} split of "
        f"{report['dataset']}, {finding}."
    )


def _finding(rows: Sequence[Row], trained_steps: int) -> str:
    compared = [c for c in comparisons(rows, trained_steps) if c.before is not c.after]
    if not compared:
        return _accuracies(rows)
    if len({c.setting.query_shares for c in compared}) < len(compared):
        # Several models or tasks: in full, the sentence would be the table over again.
        return _range_of_gains(compared)
    return "synthetic-gradient steps take the accuracy " + "; ".join(map(_gain, compared))


def _accuracies(rows: Sequence[Row]) -> str:
    return "the accuracy is " + "; ".join(
        f"{wording.percent(max(row['accuracy'] for row in group))} % on "
        f"{names.queries(setting.query_shares)}"
        for setting, group in by_setting(rows).items()
    )


def _range_of_gains(compared: Sequence[Comparison]) -> str:
    gains = [c.after["accuracy"] - c.before["accuracy"] for c in compared]
    return (
        "synthetic-gradient steps change the accuracy by between "
        f"{wording.signed_percent(min(gains))} and {wording.signed_percent(max(gains))} points, "
        "depending on the model and on the queries"
    )


def _gain(comparison: Comparison) -> str:
    setting, before, after = comparison
    return (
        f"on {names.queries(setting.query_shares)} "
        f"from {wording.percent(before['accuracy'])} % at K = {before['num_steps']} "
        f"to {wording.percent(after['accuracy'])} % at K = {after['num_steps']} "
        f"({wording.signed_percent(after['accuracy'] - before['accuracy'])} points)"
    )
