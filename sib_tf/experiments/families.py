"""All steps of an experiment, whatever its kind."""

from pathlib import Path

from ml_collections import ConfigDict

from sib_tf.base.errors import UserError
from sib_tf.experiments import line_pipeline, pipeline
from sib_tf.experiments.workdir import Step
from sib_tf.training import meta_training, pretraining

_LINES = "spinning_lines"
_WEIGHTS = {"pretrain": pretraining.BACKBONE, "train": meta_training.MODEL}  # by step


def steps(config: ConfigDict, weights: Path | None = None) -> list[Step]:
    """All steps of an experiment in an order in which they can run.

    Args:
        config: of the experiment; its `dataset` says of which kind.
        weights: of a few-shot classification, as of `pipeline.steps`.

    Raises:
        UserError: a field of the config is missing or cannot be, or weights are given to an
            experiment that takes none.
    """
    if config.dataset != _LINES:
        return pipeline.steps(config, weights)
    if weights:
        raise UserError("--weights is for few-shot classification: leave it out.")
    return line_pipeline.steps(config)


def steps_of(config: ConfigDict, name: str) -> list[Step]:
    """The steps of one job.

    Raises:
        UserError: as `steps`, or the experiment has no such step.
    """
    every = steps(config)
    chosen = [step for step in every if step.name == name]
    if not chosen:
        names = ", ".join(dict.fromkeys(step.name for step in every))
        raise UserError(f"An experiment on {config.dataset} has no step {name}, only {names}.")
    return chosen


def weights(config: ConfigDict, workdir: Path, base: Path) -> list[Path]:
    """The files with what a finished experiment has learned: phi, if there is one, and its model.

    Args:
        config: of the experiment.
        workdir: of the experiment.
        base: of its shared steps.

    Raises:
        UserError: as `steps`.
    """
    return [
        (base if step.shared else workdir) / step.folder / _WEIGHTS[step.name]
        for step in steps(config)
        if step.name in _WEIGHTS
    ]
