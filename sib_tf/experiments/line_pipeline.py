"""The steps of the zero-shot regression: which config fields each reads, and the call it makes.

The tasks are drawn from the seed whenever they are needed: train -> evaluate.
"""

import json
import logging

import keras
import numpy as np
from ml_collections import ConfigDict

from sib_tf.base import keras_file
from sib_tf.base.atomic import write_json
from sib_tf.experiments import settings, workdir
from sib_tf.experiments.workdir import Context, Step
from sib_tf.regression import evaluation
from sib_tf.regression.batches import training_batches
from sib_tf.regression.model import LineRegressor
from sib_tf.regression.report import html_report
from sib_tf.regression.report import table as line_table
from sib_tf.regression.report.shown import Shown
from sib_tf.regression.tasks import Lines, kl_of_best_constant, sample
from sib_tf.training import meta_training

_TRAIN_FIELDS = (
    "dataset",
    "num_points",
    "mu",
    "sigma",
    "mu_w",
    "sigma_w",
    "test_mu",
    "train_tasks",
    "test_tasks",
    "seed",
    "num_steps",
    "step_size",
    "train_steps",
    "episodes_per_step",
    "steps_per_call",
    "steps_per_epoch",
    "learning_rate",
    "l2",
)


def steps(config: ConfigDict) -> list[Step]:
    """All steps, in their order.

    Raises:
        UserError: a field of the config is missing or cannot be; names it.
    """
    train = Step("train", "model", _TRAIN_FIELDS, (), _train, resumes=True)
    evaluate = Step("evaluate", "evaluation", ("eval_num_steps",), (train,), _evaluate)
    workdir.settings(evaluate.all_fields(), config)
    settings.check_lines(config)
    return [train, evaluate]


def draw_tasks(config: ConfigDict) -> dict[str, Lines]:
    """The tasks of both splits, of which the seed makes others for each."""
    return {
        split: sample(
            settings.line_family(config, split),
            seed=config.seed,
            stream=split,
            count=config[f"{split}_tasks"],
        )
        for split in ("train", "test")
    }


def _train(context: Context) -> dict:
    config, tasks = context.config, draw_tasks(context.config)
    model = _untrained(config)
    how = settings.training_settings(config)
    return meta_training.train(
        context.folder,
        model,
        how,
        batches=lambda first_step: training_batches(
            tasks["train"],
            steps_per_call=how.steps_per_call,
            tasks_per_step=how.episodes_per_step,
            first_step=first_step,
        ),
        callbacks=[evaluation.DivergenceLog(model, tasks)],
    )


def _untrained(config: ConfigDict) -> LineRegressor:
    """The model at step 0, which the seed makes the same each time."""
    keras.utils.set_random_seed(config.seed)
    return LineRegressor(config.num_steps, config.step_size)


def _evaluate(context: Context) -> dict:
    config, tasks = context.config, draw_tasks(context.config)
    model = keras_file.load(context.workdir / "model" / meta_training.MODEL)
    results = evaluation.rows(model, tasks, config.eval_num_steps)
    curves = json.loads((context.workdir / "model" / meta_training.CURVES).read_text())
    content = {
        "dataset": config.dataset,
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
    write_json(context.folder / "report.json", content)
    table = line_table.markdown(content)
    (context.folder / "report.md").write_text(table + "\n")
    logging.getLogger("sib_tf").info("Divergence from the exact posterior:\n%s", table)
    html_report.write(context.folder / "report.html", content, _shown(model, tasks["test"]))
    return {split: len(lines.x) for split, lines in tasks.items()}


def _training_rows(
    config: ConfigDict, tasks: dict[str, Lines], curves: dict[str, list[float]]
) -> list[dict]:
    """How the results at the K of training came about, by meta-training step, from step 0."""
    rows = []
    for start in evaluation.rows_as_trained(_untrained(config), tasks):
        split = start["split"]
        rows.append({"split": split, "step": 0, "kl": start["kl"], "mse": start["mse"]})
        rows += [
            {"split": split, "step": epoch * config.steps_per_epoch, "kl": kl, "mse": mse}
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
