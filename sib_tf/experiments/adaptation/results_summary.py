"""The tables of docs/pacs.md, from the reports under `results/`."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from sib_tf.adaptation.report import names
from sib_tf.base.errors import UserError
from sib_tf.base.intervals import Z_95, mean_of_independent
from sib_tf.experiments import published_reports
from sib_tf.experiments.published_reports import Report
from sib_tf.report import wording
from sib_tf.report.markdown import table

_STEPS = (0, 1, 3, 5)  # K that are shown

Interval = tuple[float, float]
"""A mean, and the half width of its 95 % interval."""

Figures = dict[tuple[str, int], Interval]
"""By method and K."""


def summarize(folder: Path) -> str:
    """The tables of the published reports under a folder.

    Raises:
        UserError: if there is no report of a zero-shot classification, or if reports differ in
            methods or steps.
    """
    return markdown(published_reports.read(folder, "minibatches", "zero-shot classification"))


def markdown(reports: Sequence[Report]) -> str:
    """Accuracy on each target and on average, in %, and what the exported model gains.

    Half widths are 1.96 standard errors over the images of a target and over its seeds. The targets
    are four, and no sample of others.

    Args:
        reports: reports that `publishing.publish` has written.

    Raises:
        UserError: if they differ in methods or steps.
    """
    targets: dict[str, list[Report]] = {}
    for report in reports:
        targets.setdefault(report["target"], []).append(report)
    runs, (first, *_) = [*targets.values()], reports
    exported = f"{names.title(first['exported'])}, K = {first['num_steps']}, less"
    heads = ["K", *map(wording.class_name, targets), "average"]
    accuracies = _rows(runs, _accuracies, wording.percent_interval)
    gains = _rows(runs, _gains, wording.signed_interval)
    return f"{table(['method', *heads], accuracies)}\n\n{table([exported, *heads], gains)}"


def _accuracies(report: Report) -> Figures:
    rows = [row for row in report["results"] if row["num_steps"] in _STEPS]
    return {(row["method"], row["num_steps"]): (row["accuracy"], row["ci95"]) for row in rows}


def _gains(report: Report) -> Figures:
    rows = report["differences"]
    return {(row["than"], row["than_steps"]): (row["difference"], row["ci95"]) for row in rows}


def _rows(
    runs: Sequence[Sequence[Report]],
    figures_of: Callable[[Report], Figures],
    write: Callable[[float, float], str],
) -> list[list[str]]:
    """A row for each figure: on each target, and on average."""
    found = [[figures_of(report) for report in seeds] for seeds in runs]
    if len({tuple(figures) for seeds in found for figures in seeds}) > 1:
        raise UserError("reports of different methods or steps have no common table: publish anew.")
    rows = []
    for method, k in found[0][0]:
        targets = [over_seeds([figures[method, k] for figures in seeds]) for seeds in found]
        cells = [write(*interval) for interval in (*targets, mean_of_independent(targets))]
        rows.append([names.title(method), str(k), *cells])
    return rows


def over_seeds(figures: Sequence[Interval]) -> Interval:
    """The mean over seeds of a figure on the same images.

    The images are no more for being classified by several seeds: their variance stays what it is,
    and that of the mean of the seeds is added.
    """
    means, half_widths = zip(*figures, strict=True)
    of_images = statistics.mean((width / Z_95) ** 2 for width in half_widths)
    of_seeds = statistics.variance(means) / len(means) if len(means) > 1 else 0.0
    return statistics.mean(means), Z_95 * (of_images + of_seeds) ** 0.5
