"""The grid of settings, evaluated with Beam."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.experiments import report_files
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot.backbone import features_folder, stored_features
from sib_tf.experiments.few_shot.classifier import model_file
from sib_tf.experiments.step import Context, Step
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.classifier import Classifier
from sib_tf.few_shot.grid import evaluation
from sib_tf.few_shot.grid.settings import Cell
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.report import grid_report


def trained(context: Context) -> Callable[[], Classifier]:
    """Loads the classifier that the experiment has trained."""
    return partial(keras_file.load, str(model_file(context)))


def grid_step(
    requires: Sequence[Step],
    images: str,
    backbone: str | None = None,
    load: Callable[[Context], Callable[[], Classifier]] = trained,
) -> Step:
    """Evaluates the methods of `config.grid` in all its cells; episodes are drawn on the way.

    Args:
        requires: steps of the model and of the features of the test split.
        images: what they are features of, for the report.
        backbone: what made features that do not say it, if that is known.
        load: callable that returns another one, which loads the model.
    """
    return Step(
        "evaluate",
        "grid",
        reads=("seed", "grid"),
        requires=tuple(requires),
        run=_run,
        remote=True,
        report=True,
    ).with_options(images=images, backbone=backbone, load=load)


def refuse_no_ways(config: Configuration) -> None:
    """Refuses a grid without cells: the `check` of experiments that are nothing else.

    Raises:
        UserError: names the field.
    """
    if not config.grid.ways:
        raise UserError("config.grid.ways is empty: name a number of classes.")


def _run(
    context: Context,
    images: str,
    backbone: str | None,
    load: Callable[[Context], Callable[[], Classifier]],
) -> dict[str, Any]:
    config, load_model = context.config, load(context)
    table, model = stored_features(context, "test"), load_model()
    _refuse_other_features(model, table)
    cells, left_out = evaluation.fitting(list(config.grid.cells()), table.labels)
    cells = _that_the_model_can(cells, model)
    _refuse_nothing(cells, left_out)
    found = evaluation.evaluate_on_beam(
        context.folder / "accuracies",
        cells,
        load=load_model,
        features=features_folder(context, "test"),
        seed=config.seed,
        beam_args=context.beam_args,
    )
    content = {
        "features": ", ".join(filter(None, (images, table.network or backbone))),
        "seed": config.seed,
        "left_out": left_out,
        "results": grid_report.results(cells, found),
    }
    table = grid_report.markdown(content)
    report_files.write(context.folder, content, table, "Accuracy in the cells of the grid")
    grid_report.write(context.folder / "report.html", content)
    return {"cells": len(cells), "left_out": len(left_out)}


def _refuse_other_features(model: Classifier, table: FeatureTable) -> None:
    size = table.features.shape[-1]
    if model.feature_dim not in (None, size):
        raise UserError(
            f"The model is for images of {model.feature_dim} features, these have {size}: take one "
            "whose initialization has no weight for each feature, such as a general head."
        )


def _refuse_nothing(cells: Sequence[Cell], left_out: Sequence[str]) -> None:
    if not cells:
        raise UserError(f"config.grid: the data can fill no cell of the grid. {left_out[0]}")
    if not any(METHODS[name].iterative for cell in cells for name in cell.methods):
        raise UserError(
            "config.grid.ways lacks the number of classes that the model tells apart: add it."
        )


def _that_the_model_can(cells: Sequence[Cell], model: Classifier) -> list[Cell]:
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
