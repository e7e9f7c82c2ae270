"""The page of a zero-shot regression: how near it comes to the exact posterior.

Same rules as the page of a classification: one file, the same bytes from the same input, no
TensorFlow.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sib_tf.regression.report import kl, posteriors, spinning, table
from sib_tf.regression.report.shown import Shown
from sib_tf.report import page
from sib_tf.report.picture import Picture

__all__ = ["Shown", "write"]


def write(path: Path, report: Mapping[str, Any], shown: Shown) -> None:
    """Writes the page, and its pictures as PNG files into `pictures/` beside it.

    Args:
        path: HTML file to write. Folders are made as needed; existing files are replaced.
        report: content of `report.json`.
        shown: tasks to draw.
    """
    content = page.Page(
        title="Zero-shot regression: spinning lines",
        summary=_summary(report),
        facts={
            "Tasks": " + ".join(str(count) for count in report["tasks"].values()),
            "Inputs of a task": shown.lines.family.num_points,
            "Trained with": f"K = {report['num_steps']}, step size {report['step_size']:g}",
            "Seed": report["seed"],
        },
        table=table.render(report),
    )
    page.write(path, content, lambda: _draw(report, shown))


def _summary(report: Mapping[str, Any]) -> str:
    at = {row["num_steps"]: row["kl"] for row in report["results"] if row["split"] == "test"}
    (constant,) = (row["kl"] for row in report["best_constant"] if row["split"] == "test")
    steps = report["num_steps"]
    return (
        f"On {report['tasks']['test']} unseen tasks, without a label of theirs, {steps} "
        f"synthetic-gradient steps take the divergence from the exact posterior from {at[0]:.2f} "
        f"to {at[steps]:.3f} nats. The best slope for all tasks would leave {constant:.2f} on "
        f"these, {report['kl_of_best_constant']:.2f} on average over all there are; 0 can be "
        "reached."
    )


def _draw(report: Mapping[str, Any], shown: Shown) -> dict[str, Picture]:
    return {
        "divergence_in_training": kl.in_training(report),
        "divergence_vs_steps": kl.vs_steps(report),
        "posteriors": posteriors.draw(shown),
        "spinning_lines": spinning.draw(shown),
    }
