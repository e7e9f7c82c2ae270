"""The sections and steps of a zero-shot regression."""

import json
from typing import Any

import keras
import numpy as np

from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.experiments import report_files
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.experiments.unrolling import refuse_fewer_steps
from sib_tf.regression import evaluation
from sib_tf.regression.batches import training_batches
from sib_tf.regression.model import LineRegressor
from sib_tf.regression.report import html_report, table
from sib_tf.regression.report.shown import Shown
from sib_tf.regression.settings import EvaluationSettings, MetaSettings, TaskSettings
from sib_tf.regression.tasks import Lines, kl_of_best_constant
from sib_tf.training import meta_training

TITLE = "zero-shot regression"
SECTIONS = {"tasks": TaskSettings, "meta": MetaSettings, "eval": EvaluationSettings}
check = refuse_fewer_steps
_MODEL = "model"


def steps(config: Configuration, options: Options) -> list[Step]:
    """All steps, in their order.

    Raises:
        UserError: if weights are given.
    """
    del config  # They are the same for all.
    if options.weights:
        raise UserError("--weights is for few-shot classification: leave it out.")
    train = Step(
        "train",
        _MODEL,
        reads=("seed", "tasks", "meta"),
        requires=(),
        run=_train,
        resumes=True,
        weights=meta_training.MODEL,
    )
    evaluate = Step(
        "evaluate", "evaluation", reads=("eval",), requires=(train,), run=_evaluate, report=True
    )
    return [train, evaluate]


def _train(context: Context) -> dict[str, Any]:
    config = context.config
    tasks, model = config.tasks.draw(config.seed), _untrained(config)
    return meta_training.train(
        context.folder,
        model,
        config.meta,
        batches=lambda first_step: training_batches(
            tasks["train"],
            steps_per_call=config.meta.steps_per_call,
            tasks_per_step=config.meta.episodes_per_step,
            first_step=first_step,
        ),
        callbacks=[evaluation.KLLog(model, tasks)],
    )


def _untrained(config: Configuration) -> LineRegressor:
    """The model at step 0, which the seed makes the same each time."""
    keras.utils.set_random_seed(config.seed)
    return LineRegressor(config.meta.num_steps, config.meta.step_size)


def _evaluate(context: Context) -> dict[str, Any]:
    config = context.config
    tasks = config.tasks.draw(config.seed)
    model = keras_file.load(context.workdir / _MODEL / meta_training.MODEL)
    curves = json.loads((context.workdir / _MODEL / meta_training.CURVES).read_text())
    results = evaluation.rows(model, tasks, config.eval.num_steps)
    content = {
        "dataset": "spinning_lines",
        "seed": config.seed,
        "tasks": {split: len(lines.x) for split, lines in tasks.items()},
        "num_steps": model.num_steps,
        "step_size": model.step_size,
        "kl_of_best_constant": kl_of_best_constant(tasks["test"].family),
        "best_constant": evaluation.rows_of_best_constant(tasks),
        "kl_floor": 0.0,
        "results": [{**row, "seed": config.seed} for row in results],
        "training": _training_rows(config, tasks, curves),
    }
    report_files.write(
        context.folder, content, table.markdown(content), "Divergence from the exact posterior"
    )
    html_report.write(context.folder / "report.html", content, _shown(model, tasks["test"]))
    return {split: len(lines.x) for split, lines in tasks.items()}


def _training_rows(
    config: Configuration, tasks: dict[str, Lines], curves: dict[str, list[float]]
) -> list[dict]:
    """How the results at the K of training came about, by meta-training step, from step 0."""
    rows = []
    for start in evaluation.rows_as_trained(_untrained(config), tasks):
        split = start["split"]
        rows.append({"split": split, "step": 0, "kl": start["kl"], "mse": start["mse"]})
        rows += [
            {"split": split, "step": epoch * config.meta.steps_per_epoch, "kl": kl, "mse": mse}
            for epoch, kl, mse in zip(
                curves["epoch"], curves[f"kl_{split}"], curves[f"mse_{split}"], strict=True
            )
        ]
    return rows


def _shown(model: LineRegressor, lines: Lines) -> Shown:
    """The tasks at both ends of the mean inputs and near them, on their way to the K of training.

    Their slopes are far from theta^0, where one sees the steps best.
    """
    order = np.argsort(lines.x.mean(axis=1))
    ranks = np.rint((len(order) - 1) * np.array([0, 0.03, 0.97, 1])).astype(int)
    chosen = order[np.unique(ranks)]  # no task twice, however few there are
    extreme = Lines(lines.family, lines.x[chosen], lines.w[chosen])
    return Shown(extreme, model.slopes(extreme.x, model.num_steps).numpy())
