"""The table of docs/results.md, from the reports under `results/`."""

import json
import shlex
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sib_tf.base.errors import UserError
from sib_tf.experiments import flat_configs
from sib_tf.experiments.published_weights import REPORT
from sib_tf.few_shot.report import names
from sib_tf.report import wording

Report = Mapping[str, Any]

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
PAPER = "paper.json"
_HEADS = (
    "data set, backbone",
    "shot",
    "network, trained on",
    "K",
    "balanced, K = 0",
    "balanced, K",
    "Dirichlet, K = 0",
    "Dirichlet, K",
    "paper",
    "seeds",
    "minutes",
    "machine",
    "`--config=`",
)


def replace_table(text: str, table: str) -> str:
    """A text with the table between its two marks replaced.

    Raises:
        UserError: the marks are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"--page: lacks the lines {BEGIN} and {END} around its table.")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


def read(folder: Path) -> tuple[list[Report], list[Report]]:
    """The published reports of classifications under a folder, by path, and the paper's figures.

    Raises:
        UserError: there is none.
    """
    reports = [json.loads(file.read_text()) for file in sorted(folder.rglob(REPORT))]
    reports = [report for report in map(_in_sections, reports) if "episodes" in report["config"]]
    if not reports:
        raise UserError(
            f"{folder} holds no {REPORT} of a few-shot classification: publish one with `python -m "
            "jobs.publish`."
        )
    return reports, json.loads((folder / PAPER).read_text())


def _in_sections(report: Report) -> Report:
    return {**report, "config": flat_configs.in_sections(report["config"])}


def markdown(reports: Iterable[Report], paper: Sequence[Report]) -> str:
    """A row per experiment: accuracy in % on test episodes, mean over its seeds ± 95 % interval.

    Args:
        reports: as `publishing.publish` writes them; those that differ in the seed alone make one
            row.
        paper: `dataset, backbone, shot, accuracy, ci95` of the paper, as fractions.
    """
    experiments: dict[str, list[Report]] = {}
    for report in reports:
        experiments.setdefault(_arguments(report), []).append(report)
    lines = [f"| {' | '.join(_HEADS)} |", "|" + "---|" * len(_HEADS)]
    for arguments, runs in experiments.items():
        cells = [*_setting(runs[0]), *_accuracies(runs), _published(runs[0], paper), *_cost(runs)]
        lines.append(f"| {' | '.join([*cells, f'`{arguments}`'])} |")
    return "\n".join(lines)


def _arguments(report: Report) -> str:
    """The flags of the command that tell experiments apart: neither the seed nor a folder."""
    words = shlex.split(report["command"])[3:]  # after `python -m jobs.pipeline`
    kept = (
        word for word in words if not word.startswith(("--config.seed=", "--base=", "--workdir="))
    )
    return shlex.join(word.removeprefix("--config=") for word in kept)


def _setting(report: Report) -> list[str]:
    config = report["config"]
    meta = config["meta"]
    network = names.network(meta["synthetic_gradient"])
    return [
        f"{report['dataset']}, {report['backbone']}",
        str(config["episodes"]["shot"]),
        f"{network}, {names.queries(meta['query_shares'])}",
        str(meta["num_steps"]),
    ]


def _accuracies(runs: Sequence[Report]) -> list[str]:
    steps = runs[0]["config"]["meta"]["num_steps"]
    return [
        _mean(runs, shares, method, k)
        for shares in ("balanced", "dirichlet")
        for method, k in (("prototypes", 0), ("sib", steps))
    ]


def _mean(runs: Sequence[Report], shares: str, method: str, steps: int) -> str:
    """Mean over runs, whose test episodes are independent, so that their variances add."""
    key = {"query_shares": shares, "method": method, "num_steps": steps}
    rows = [row for run in runs for row in run["results"] if key.items() <= row.items()]
    if not rows:
        return ""
    accuracy = statistics.mean(row["accuracy"] for row in rows)
    interval = sum(row["ci95"] ** 2 for row in rows) ** 0.5 / len(rows)
    return f"{wording.percent(accuracy)} ± {wording.percent(interval)}"


def _published(report: Report, paper: Sequence[Report]) -> str:
    """The paper's figure, of balanced queries and its dense network."""
    config = report["config"]
    meta = config["meta"]
    if (meta["synthetic_gradient"], meta["query_shares"]) != ("dense", "balanced"):
        return ""
    shot = config["episodes"]["shot"]
    key = {"dataset": report["dataset"], "backbone": report["backbone"], "shot": shot}
    for row in paper:
        if key.items() <= row.items():
            return f"{wording.percent(row['accuracy'])} ± {wording.percent(row['ci95'])}"
    return ""


def _cost(runs: Sequence[Report]) -> list[str]:
    minutes = statistics.median(sum(run["seconds"].values()) / 60 for run in runs)
    machines = dict.fromkeys(run["machine"] for run in runs)
    return [str(len(runs)), f"{minutes:.0f}", ", ".join(machines)]
