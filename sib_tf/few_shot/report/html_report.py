"""An evaluation as a page for people: `report.html` and the pictures in it.

The page is one file without scripts or links: it can be mailed, printed and archived. The same
input gives the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sib_tf.few_shot.report import (
    accuracy_table,
    accuracy_vs_steps,
    episode_sheet,
    probabilities,
    reliability,
    training_curves,
)
from sib_tf.few_shot.report.shown_episode import ShownEpisode
from sib_tf.few_shot.report.summary import summarize
from sib_tf.few_shot.report.training_curves import Curves
from sib_tf.report import page
from sib_tf.report.picture import Picture


def write(path: Path, report: Mapping[str, Any], curves: Curves, episode: ShownEpisode) -> None:
    """Writes the page, and its pictures as PNG files into `pictures/` beside it.

    Args:
        path: HTML file to write. Folders are made as needed; existing files are replaced.
        report: content of `report.json`: `dataset`, `backbone`, `split`, `episodes`, `seed`,
            `num_steps` and `step_size` of the training and the rows of `results`.
        curves: `loss`, `accuracy`, `val_loss` and `val_accuracy` over the epochs of the phases
            "pretraining" and "meta-training"; `epoch`, if there, numbers these. Sequences of a
            phase are of equal length; None and NaN are gaps. Phases and metrics may be missing.
        episode: test episode to draw.

    Raises:
        ValueError: if the report has no results.
    """
    if not report["results"]:
        raise ValueError("The report has no results: there is nothing to draw.")
    content = page.Page(
        title=f"Few-shot classification on {report['dataset']}",
        summary=summarize(report),
        facts={
            "Data set": report["dataset"],
            "Split": report["split"],
            "Backbone": report["backbone"],
            "Trained with": f"K = {report['num_steps']}, step size {report['step_size']:g}",
            "Episodes": f"{report['episodes']:,}",
            "Seed": report["seed"],
        },
        table=accuracy_table.render(report["results"]),
    )
    page.write(path, content, lambda: _draw(report, curves, episode))


def _draw(
    report: Mapping[str, Any], curves: Curves, episode: ShownEpisode
) -> dict[str, Picture | None]:
    """All pictures by file name; None where there is nothing to draw."""
    rows, trained_steps = report["results"], report["num_steps"]
    return {
        "accuracy_vs_steps": accuracy_vs_steps.draw(rows, trained_steps),
        "training_curves": training_curves.draw(curves),
        "reliability": reliability.draw(rows, trained_steps),
        "episode": episode_sheet.draw(episode),
        "probabilities": probabilities.draw(episode),
    }
