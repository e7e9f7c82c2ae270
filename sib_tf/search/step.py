"""A search as a step of an experiment."""

import functools
import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from ml_collections import ConfigDict

from sib_tf.experiments import families
from sib_tf.experiments.few_shot.backbone import stored_features
from sib_tf.experiments.few_shot.classifier import TRAINING_SPLITS
from sib_tf.experiments.few_shot.episodes import stored_episodes
from sib_tf.experiments.options import Options
from sib_tf.experiments.step import Context, Step
from sib_tf.few_shot import evaluation
from sib_tf.few_shot.meta_training import meta_train
from sib_tf.few_shot.methods.sib import SIB
from sib_tf.search import outcome
from sib_tf.search import space as spaces
from sib_tf.search.tuner import OBJECTIVE, ConfigTuner, Row, oracle, role

_SPACE = "space.json"


def steps(
    config: ConfigDict, space: keras_tuner.HyperParameters, algorithm: str, trials: int
) -> list[Step]:
    """The search, after the training episodes that only it needs.

    Its objective is the accuracy on the validation episodes of the config, the same for all trials.

    Args:
        config: config to vary.
        space: fields to vary, and their values.
        algorithm: one of `tuner.ALGORITHMS`.
        trials: number of trials, see `tuner.oracle`.

    Raises:
        UserError: if a field of the config is missing or invalid, or the space does not fit it.
    """
    spaces.check(space, config)
    (train,) = families.steps_of(config, "train")
    episodes = [
        step
        for shares in spaces.query_shares(space, config)
        for step in families.steps_of(
            spaces.with_shares(config, shares), "build_episodes", Options(splits=("train",))
        )
    ]
    own = [step for step in episodes if step.folder not in {s.folder for s in train.requires}]
    folder = "hyperband" if algorithm == "hyperband" else f"{algorithm}-{trials}"
    search = Step(
        "tune",
        f"search/{folder}",
        reads=train.reads,
        requires=(*train.requires, *own),
        run=_search,
        resumes=True,
    ).with_options(whole_config=config, space=space, algorithm=algorithm, trials=trials)
    return [*own, search]


def _search(
    context: Context,
    whole_config: ConfigDict,
    space: keras_tuner.HyperParameters,
    algorithm: str,
    trials: int,
) -> dict[str, Any]:
    helping = role() == "worker"
    if not helping:
        spaces.keep(context.folder / _SPACE, space)
    trial = _Trial(context)
    seed = context.config.seed
    chooser = oracle(algorithm, space, trials=trials, epochs=trial.epochs, seed=seed)
    tuner = ConfigTuner(chooser, context.folder, trial, trial.epochs)
    tuner.run()
    if helping:
        return {}
    (context.folder / "default").mkdir(exist_ok=True)
    default = trial({}, context.folder / "default", trial.epochs)
    present = spaces.present_values(space, context.config.meta)
    rows = [Row("config", present, trial.epochs, default), *tuner.rows()]
    return outcome.write(context.folder, rows, whole_config, trial.epochs)


class _Trial:
    """One meta-training and its accuracy on the validation episodes; the data are read once."""

    def __init__(self, context: Context) -> None:
        self._config = context.config
        self.epochs = context.config.meta.epochs
        self._features = {split: stored_features(context, split) for split in TRAINING_SPLITS}
        self._episodes = functools.cache(functools.partial(stored_episodes, context))

    def __call__(self, values: dict[str, Any], folder: Path, epochs: int) -> dict[str, float]:
        keras.utils.clear_session()  # or the models of all trials pile up
        start = time.perf_counter()
        meta = spaces.changed_section(self._config.meta, values)
        validation = self._episodes("validation", self._config.meta.query_shares)
        model, _ = meta_train(
            folder,
            meta,
            seed=self._config.seed,
            features=self._features,
            episodes={
                "train": self._episodes("train", meta.query_shares),
                "validation": validation,
            },
            epochs=epochs,
        )
        predictions = evaluation.classify_episodes(
            SIB(model), self._features["validation"], validation, model.num_steps
        )
        measured = evaluation.accuracy(predictions.probabilities[-1], predictions.labels)
        seconds = time.perf_counter() - start
        return {OBJECTIVE: measured["accuracy"], "ci95": measured["ci95"], "seconds": seconds}
