"""The page of a zero-shot classification: how well an unlabelled domain is classified."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sib_tf.adaptation.report import (
    accuracy_vs_steps,
    changed_images,
    confusion,
    feature_map,
    names,
    table,
)
from sib_tf.adaptation.report.shown import Shown
from sib_tf.report import page, wording
from sib_tf.report.picture import Picture


def write(path: Path, report: Mapping[str, Any], shown: Shown) -> None:
    """Writes the page, and its pictures as PNG files into `pictures/` beside it.

    Args:
        path: HTML file to write. Folders are made as needed; existing files are replaced.
        report: content of `report.json`.
        shown: images and features to draw.
    """
    target, exported = wording.class_name(report["target"]), names.title(report["exported"])
    content = page.Page(
        title=f"Zero-shot classification: {target}",
        summary=_summary(report),
        facts={
            "Labelled domains": ", ".join(map(wording.class_name, report["sources"])),
            "Backbone": report["backbone"],
            "Images of a minibatch": report["minibatch"],
            "Exported": f"{exported}, K = {report['num_steps']}, step size {report['step_size']:g}",
            "Seed": report["seed"],
        },
        table=table.render(report),
    )
    page.write(path, content, lambda: _draw(report, shown))


def _summary(report: Mapping[str, Any]) -> str:
    at = {(row["method"], row["num_steps"]): row["accuracy"] for row in report["results"]}
    before, after = (at[report["exported"], k] for k in (0, report["num_steps"]))
    return (
        f"Of {report['images']:,} images of {wording.class_name(report['target'])}, none of which "
        f"was ever shown with its label, {wording.percent(at[names.SOURCE_ONLY, 0])} % are "
        f"classified rightly by the classifier of the other domains, {wording.percent(before)} % "
        f"by {names.title(report['exported'])} at K = 0 and {wording.percent(after)} % after "
        f"{report['num_steps']} synthetic-gradient steps."
    )


def _draw(report: Mapping[str, Any], shown: Shown) -> dict[str, Picture | None]:
    return {
        "accuracy_vs_steps": accuracy_vs_steps.draw(report),
        "confusion": confusion.draw(report),
        "changed_images": changed_images.draw(names.title(report["exported"]), shown),
        "domains": feature_map.draw(shown),
    }
