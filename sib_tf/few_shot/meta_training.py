"""Meta-trains the classifier on stored episodes."""

from collections.abc import Mapping
from pathlib import Path

import keras

from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.batches import episode_batches, training_batches
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.few_shot.settings import MetaSettings
from sib_tf.training import meta_training


def meta_train(
    folder: Path,
    settings: MetaSettings,
    *,
    seed: int,
    features: Mapping[str, FeatureTable],
    episodes: Mapping[str, EpisodeTable],
    epochs: int | None = None,
) -> tuple[FewShotClassifier, dict[str, float]]:
    """Makes the model and trains it, going on where a killed run stopped.

    Args:
        folder: folder to write into, see `training.meta_training.train`.
        settings: the model, and how it is trained.
        seed: seed of the weights, and of the views and the noise that are drawn.
        features: features of the splits "train" and "validation".
        episodes: episodes of the same splits.
        epochs: number of epochs to stop after; defaults to all of them.

    Returns:
        The model, and the counts and metrics of `training.meta_training.train`.
    """
    keras.utils.set_random_seed(seed)
    table = features["train"]
    model = settings.model(episodes["train"].classes.shape[1], table.features.shape[-1])
    counts = meta_training.train(
        folder,
        model,
        settings,
        batches=lambda first_step: training_batches(
            table,
            episodes["train"],
            steps_per_call=settings.steps_per_call,
            episodes_per_step=settings.episodes_per_step,
            seed=seed,
            first_step=first_step,
            feature_noise=settings.feature_noise,
        ),
        validation=episode_batches(features["validation"], episodes["validation"], batch_size=100),
        epochs=epochs,
    )
    return model, counts
