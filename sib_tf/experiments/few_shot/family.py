"""The sections and steps of a few-shot experiment."""

import contextlib
import dataclasses
from collections.abc import Iterator

from sib_tf.base.errors import UserError
from sib_tf.base.ranges import at_least
from sib_tf.datasets import prepared, sources
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.export_settings import ExportSettings
from sib_tf.experiments.few_shot.backbone import embed_step, pretrain_step, selection_spec
from sib_tf.experiments.few_shot.classifier import TRAINING_SPLITS, train_step
from sib_tf.experiments.few_shot.data import build_dataset_step, spec_of
from sib_tf.experiments.few_shot.episodes import build_episodes_steps
from sib_tf.experiments.few_shot.evaluation import evaluate_step
from sib_tf.experiments.few_shot.grid import grid_step
from sib_tf.experiments.few_shot.release import export_step, predict_step
from sib_tf.experiments.options import Options
from sib_tf.experiments.published_weights import copied
from sib_tf.experiments.step import Step
from sib_tf.experiments.unrolling import refuse_fewer_steps
from sib_tf.few_shot.grid.settings import GridSettings
from sib_tf.few_shot.settings import EpisodeSettings, EvaluationSettings, MetaSettings
from sib_tf.training import meta_training
from sib_tf.training.pretraining_settings import PretrainingSettings

TITLE = "few-shot classification"


@dataclasses.dataclass(frozen=True)
class FeatureSettings:
    """Section `config.features`: the cache of features.

    Attributes:
        views: V, views of each training image in the cache, of which meta-training draws one a use.
            Several are augmented; one is the plain image.

    Raises:
        UserError: if there is no view.
    """

    views: int = 1

    def __post_init__(self) -> None:
        at_least(1, views=self.views)


SECTIONS = {
    "data": sources.source,
    "phi": PretrainingSettings,
    "features": FeatureSettings,
    "episodes": EpisodeSettings,
    "meta": MetaSettings,
    "eval": EvaluationSettings,
    "export": ExportSettings,
    "grid": GridSettings,
}


def complete(config: Configuration) -> Configuration:
    """Images whose size is left open are as large as what phi looks at."""
    return config.replaced(data=sources.of_size(config.data, config.phi.crop_size))


def check(config: Configuration) -> None:
    """Refuses sections that do not fit each other, as far as one can tell without the data.

    Raises:
        UserError: names the field.
    """
    with _naming("meta.query_shares"):
        spec_of(config, "train", config.meta.query_shares)
    with _naming("eval.query_shares"):
        for shares in config.eval.query_shares:
            config.episodes.spec(shares)
    with _naming("phi.selection_way and config.phi.selection_queries"):
        selection_spec(config.phi)
    refuse_fewer_steps(config)


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Says which field of the config an error is about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"config.{path}: {error}") from None


def steps(config: Configuration, options: Options) -> list[Step]:
    """All steps, in an order in which they can run.

    With `options.weights`, phi and, if it is there, the classifier are copied from a folder of
    results; with a classifier, the test split alone is needed.

    Raises:
        UserError: if the folder holds no phi.
    """
    weights = options.weights
    splits = ("test",) if weights and (weights / meta_training.MODEL).exists() else prepared.SPLITS
    data = build_dataset_step(splits)
    phi = pretrain_step(data, options.strategy)
    if weights:
        phi = copied(phi, weights)
    embed = {split: embed_step(data, phi, split) for split in prepared.SPLITS}

    def drawn(holding: Options) -> dict[str, list[Step]]:
        return {
            split: build_episodes_steps(config, data, embed[split], split, holding)
            for split in prepared.SPLITS
        }

    episodes, written = drawn(dataclasses.replace(options, materialize="ids")), drawn(options)
    train = train_step(
        [embed[split] for split in TRAINING_SPLITS],
        [step for split in TRAINING_SPLITS for step in episodes[split]],
    )
    if splits == ("test",):
        train = copied(train, weights)
    evaluate = evaluate_step(train, [embed["test"]], episodes["test"])
    grid = grid_step([train, embed["test"]], sources.title(config.data), config.phi.backbone)
    exported = export_step(train, evaluate)
    walk = [
        data,
        *(step for split in splits if split in options.splits for step in written[split]),
        phi,
        *(embed[split] for split in splits),
        train,
        evaluate,
        *([grid] if config.grid.ways else []),
        exported,
        predict_step(evaluate, exported),
    ]
    # What is copied needs nothing, and is refused before any work is done if the config differs.
    return sorted(walk, key=lambda step: bool(step.requires) or step is data)
