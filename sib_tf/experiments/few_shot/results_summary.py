"""The table of docs/results.md, from the reports under `results/`."""

import json
import shlex
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sib_tf.base.intervals import mean_of_independent
from sib_tf.experiments import published_reports
from sib_tf.experiments.published_reports import Report
from sib_tf.few_shot.episodes.query_shares import QUERY_SHARES
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.report import names
from sib_tf.few_shot.report.results import method_of
from sib_tf.method.xi.registry import XI
from sib_tf.report import wording
from sib_tf.report.markdown import table

PAPER = "paper.json"
_SHARES = ("balanced", "dirichlet")  # of test episodes
_SETTING = ("data set, backbone", "shot", "network, trained on", "K")
_COST = ("seeds", "minutes", "machine")


def summarize(folder: Path) -> str:
    """The table of the published reports under a folder, beside the paper's figures in `PAPER`.

    Raises:
        UserError: if there is no report of a few-shot classification.
    """
    reports = published_reports.read(folder, "episodes", "few-shot classification")
    return markdown(reports, json.loads((folder / PAPER).read_text()))


def markdown(reports: Sequence[Report], paper: Sequence[Report]) -> str:
    """A row per experiment: accuracy in % on test episodes, mean over its seeds ± 95 % interval.

    Each method that a report has gets a column for balanced queries and one for Dirichlet queries.

    Args:
        reports: reports that `publishing.publish` has written; those that differ in the seed alone
            make one row.
        paper: figures of the paper: `accuracy` and `ci95`, as fractions, and the fields that an
            experiment must have for them to be shown beside it (see `_facts`).

    Raises:
        UserError: if a method or a xi of a report is not registered.
    """
    experiments: dict[str, list[Report]] = {}
    for report in reports:
        experiments.setdefault(_arguments(report), []).append(report)
    columns = [(shares, method) for shares in _SHARES for method in _methods(reports)]
    accuracies = [
        f"{QUERY_SHARES[shares].title}, {METHODS[method].column()}" for shares, method in columns
    ]
    rows = []
    for arguments, runs in experiments.items():
        means = [_mean(runs, shares, method) for shares, method in columns]
        cells = [*_setting(runs[0]), *means, _published(runs[0], paper), *_cost(runs)]
        rows.append([*cells, f"`{arguments}`"])
    return table([*_SETTING, *accuracies, "paper", *_COST, "`--config=`"], rows)


def _methods(reports: Iterable[Report]) -> list[str]:
    """Names of the methods that any report has, in the order of the registry."""
    present = {method_of(row) for report in reports for row in report["results"]}
    return [name for name, method in METHODS.items() if method in present]


def _arguments(report: Report) -> str:
    """The flags of the command that tell experiments apart: neither the seed nor a folder."""
    words = shlex.split(report["command"])[3:]  # after `python -m jobs.pipeline`
    left_out = ("--config.seed=", "--base=", "--workdir=")
    kept = (word for word in words if not word.startswith(left_out))
    return shlex.join(word.removeprefix("--config=") for word in kept)


def _setting(report: Report) -> list[str]:
    episodes, meta = report["config"]["episodes"], report["config"]["meta"]
    return [
        f"{report['dataset']}, {report['backbone']}",
        str(episodes["shot"]),
        f"{XI[meta['synthetic_gradient']].title}, {names.queries(meta['query_shares'])}",
        str(meta["num_steps"]),
    ]


def _mean(runs: Sequence[Report], shares: str, method: str) -> str:
    """Mean over runs, whose test episodes are independent, so that their variances add."""
    steps = runs[0]["config"]["meta"]["num_steps"] if METHODS[method].iterative else 0
    key = {"query_shares": shares, "method": method, "num_steps": steps}
    rows = [row for run in runs for row in run["results"] if key.items() <= row.items()]
    if not rows:
        return ""
    figures = [(row["accuracy"], row["ci95"]) for row in rows]
    return wording.percent_interval(*mean_of_independent(figures))


def _published(report: Report, paper: Sequence[Report]) -> str:
    """The paper's figure for the same experiment, if it has one."""
    facts = _facts(report)
    for row in paper:
        if all(row.get(field, value) == value for field, value in facts.items()):
            return wording.percent_interval(row["accuracy"], row["ci95"])
    return ""


def _facts(report: Report) -> dict[str, Any]:
    """What tells whether a figure of the paper is of the same experiment."""
    episodes, meta = report["config"]["episodes"], report["config"]["meta"]
    return {
        "dataset": report["dataset"],
        "backbone": report["backbone"],
        "shot": episodes["shot"],
        "synthetic_gradient": meta["synthetic_gradient"],
        "train_query_shares": meta["query_shares"],
    }


def _cost(runs: Sequence[Report]) -> list[str]:
    minutes = statistics.median(sum(run["seconds"].values()) / 60 for run in runs)
    machines = dict.fromkeys(run["machine"] for run in runs)
    return [str(len(runs)), f"{minutes:.0f}", ", ".join(machines)]
