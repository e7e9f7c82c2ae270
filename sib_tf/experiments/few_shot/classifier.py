"""The classifier, meta-trained on stored features and episodes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sib_tf.experiments.few_shot.backbone import stored_features
from sib_tf.experiments.few_shot.episodes import stored_episodes
from sib_tf.experiments.step import Context, Step
from sib_tf.few_shot.meta_training import meta_train
from sib_tf.training import meta_training

TRAINING_SPLITS = ("train", "validation")
_FOLDER = "model"


def train_step(embed: Sequence[Step], episodes: Sequence[Step]) -> Step:
    """Meta-trains the classifier on the features and episodes of `TRAINING_SPLITS`."""
    return Step(
        "train",
        _FOLDER,
        reads=("meta",),
        requires=(*embed, *episodes),
        run=_run,
        resumes=True,
        weights=meta_training.MODEL,
    )


def model_file(context: Context) -> Path:
    """The saved classifier."""
    return context.workdir / _FOLDER / meta_training.MODEL


def model_curves(context: Context) -> Path:
    """The metrics of its training; missing if it was copied."""
    return context.workdir / _FOLDER / meta_training.CURVES


def _run(context: Context) -> dict[str, Any]:
    config = context.config
    shares = config.meta.query_shares
    return meta_train(
        context.folder,
        config.meta,
        seed=config.seed,
        features={split: stored_features(context, split) for split in TRAINING_SPLITS},
        episodes={split: stored_episodes(context, split, shares) for split in TRAINING_SPLITS},
    )[1]
