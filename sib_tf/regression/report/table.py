"""The table of a zero-shot regression: a row for each K, and one for the best constant."""

from collections.abc import Mapping
from typing import Any

from sib_tf.regression.report import names
from sib_tf.report import html_table
from sib_tf.report.markdown import table

_METRICS = {"kl": "KL, nats", "mse": "square error"}


def markdown(report: Mapping[str, Any]) -> str:
    """The table in Markdown: mean KL and square error of each split."""
    return table(_heads(report), _cells(report))


def render(report: Mapping[str, Any]) -> str:
    """The same in HTML."""
    caption = (
        "Mean over the tasks after K steps. KL is that of N(theta of K, sigma_w squared) from the "
        "exact posterior of the slope."
    )
    return html_table.render(caption, _heads(report), _cells(report))


def _heads(report: Mapping[str, Any]) -> list[str]:
    splits = [names.SPLITS[split] for split in report["tasks"]]
    return ["K", *(f"{metric}, {split}" for metric in _METRICS.values() for split in splits)]


def _cells(report: Mapping[str, Any]) -> list[list[str]]:
    rows = {(row["split"], str(row["num_steps"])): row for row in report["results"]}
    rows |= {(row["split"], names.BEST_CONSTANT): row for row in report["best_constant"]}
    columns = [(metric, split) for metric in _METRICS for split in report["tasks"]]
    return [
        [name, *(f"{rows[split, name][metric]:.3f}" for metric, split in columns)]
        for name in dict.fromkeys(name for _, name in rows)
    ]
