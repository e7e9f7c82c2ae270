"""The grid of settings, evaluated with Beam."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from sib_tf.base import keras_file
from sib_tf.datasets import prepared
from sib_tf.experiments import report_files
from sib_tf.experiments.few_shot.backbone import features_folder
from sib_tf.experiments.few_shot.classifier import model_file
from sib_tf.experiments.few_shot.data import prepared_data
from sib_tf.experiments.step import Context, Step
from sib_tf.few_shot.grid import evaluation
from sib_tf.few_shot.grid.settings import Cell
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.few_shot.report import grid_report


def grid_step(train: Step, embed: Step) -> Step:
    """Evaluates the methods of `config.grid` in all its cells; episodes are drawn on the way."""
    return Step(
        "evaluate",
        "grid",
        reads=("seed", "grid", "episodes.dirichlet_alpha"),
        requires=(train, embed),
        run=_run,
        remote=True,
    )


def _run(context: Context) -> dict[str, Any]:
    config = context.config
    labels = prepared.read_labels(prepared.builder_of(prepared_data(context)), "test")
    every = config.grid.cells(config.episodes.dirichlet_alpha)
    cells, left_out = evaluation.fitting(list(every), labels)
    cells = _that_the_model_can(cells, keras_file.load(model_file(context)))
    found = evaluation.evaluate_on_beam(
        context.folder / "accuracies",
        cells,
        model=model_file(context),
        features=features_folder(context, "test"),
        seed=config.seed,
        beam_args=context.beam_args,
    )
    content = {
        "dataset": config.data.name,
        "backbone": config.phi.backbone,
        "seed": config.seed,
        "left_out": left_out,
        "results": grid_report.results(cells, found),
    }
    table = grid_report.markdown(content)
    report_files.write(context.folder, content, table, "Accuracy in the cells of the grid")
    grid_report.write(context.folder / "report.html", content)
    return {"cells": len(cells), "left_out": len(left_out)}


def _that_the_model_can(cells: Sequence[Cell], model: FewShotClassifier) -> list[Cell]:
    """Leaves the trained model out of cells whose number of classes it cannot tell apart."""
    return [
        dataclasses.replace(
            cell,
            methods=tuple(
                name
                for name in cell.methods
                if not METHODS[name].iterative or model.way in (None, cell.spec.way)
            ),
        )
        for cell in cells
    ]
