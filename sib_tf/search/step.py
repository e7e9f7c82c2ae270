"""A search as a step of an experiment."""

import functools
import json
import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from ml_collections import ConfigDict

from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.experiments import pipeline, settings
from sib_tf.experiments.workdir import Context, Step
from sib_tf.few_shot import evaluation
from sib_tf.search import outcome
from sib_tf.search import space as spaces
from sib_tf.search.tuner import OBJECTIVE, ConfigTuner, Row, oracle, role

_SPACE = "space.json"
_SPLITS = ("train", "validation")


def steps(
    config: ConfigDict, space: keras_tuner.HyperParameters, algorithm: str, trials: int
) -> list[Step]:
    """The search, after the training episodes that only it needs.

    Its objective is the accuracy on the validation episodes of the config, the same for all trials.

    Args:
        config: to vary.
        space: what to vary, and where to look.
        algorithm: as of `tuner.oracle`.
        trials: as of `tuner.oracle`.

    Raises:
        UserError: a field of the config is missing or cannot be, or the space does not fit it.
    """
    spaces.check(space, config)
    episodes = [
        step
        for shares in spaces.query_shares(space, config)
        for step in pipeline.episode_steps(
            spaces.with_values(config, {"train_query_shares": shares}), ["train"]
        )
    ]
    train = pipeline.train_step(config)
    own = [step for step in episodes if step.folder not in {s.folder for s in train.requires}]
    run = functools.partial(_search, space=space, algorithm=algorithm, trials=trials)
    folder = "hyperband" if algorithm == "hyperband" else f"{algorithm}-{trials}"
    requires = (*train.requires, *own)
    search = Step("tune", f"search/{folder}", train.fields, requires, run, resumes=True)
    return [*own, search]


def _search(
    context: Context, space: keras_tuner.HyperParameters, algorithm: str, trials: int
) -> dict:
    helping = role() == "worker"
    if not helping:
        _keep_space(context.folder / _SPACE, space)
    trial = _Trial(context)
    seed = context.config.seed
    chooser = oracle(algorithm, space, trials=trials, epochs=trial.epochs, seed=seed)
    tuner = ConfigTuner(chooser, context.folder, trial, trial.epochs)
    tuner.run()
    if helping:
        return {}
    (context.folder / "default").mkdir(exist_ok=True)
    default = trial({}, context.folder / "default", trial.epochs)
    rows = [Row("config", _as_it_is(context.config, space), trial.epochs, default), *tuner.rows()]
    return outcome.write(context.folder, rows, context.config, trial.epochs)


class _Trial:
    """One meta-training and its accuracy on the validation episodes; the data are read once."""

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.config
        self.epochs = settings.training_settings(context.config).epochs
        self._tables = {split: pipeline.stored_features(context, split) for split in _SPLITS}
        self._episodes = functools.cache(functools.partial(pipeline.stored_episodes, context))

    def __call__(self, values: dict[str, Any], folder: Path, epochs: int) -> dict[str, float]:
        keras.utils.clear_session()  # or the models of all trials pile up
        start = time.perf_counter()
        config = spaces.with_values(self._config, values)
        validation = self._episodes("validation", self._config.train_query_shares)
        model, _ = pipeline.meta_train(
            folder,
            config,
            self._tables,
            {
                "train": self._episodes("train", config.train_query_shares),
                "validation": validation,
            },
            epochs,
        )
        predictions = evaluation.predict(
            model, self._tables["validation"], validation, model.num_steps
        )
        measured = evaluation.accuracy(predictions.probabilities[-1], predictions.labels)
        seconds = time.perf_counter() - start
        return {OBJECTIVE: measured["accuracy"], "ci95": measured["ci95"], "seconds": seconds}


def _as_it_is(config: ConfigDict, space: keras_tuner.HyperParameters) -> dict[str, Any]:
    return {parameter.name: config[parameter.name] for parameter in space.space}


def _keep_space(file: Path, space: keras_tuner.HyperParameters) -> None:
    """Writes down what is searched; refuses to go on with a search of something else.

    keras-tuner would go on with the old space and say nothing.
    """
    content = json.loads(json.dumps(space.get_config()))
    if file.exists() and json.loads(file.read_text()) != content:
        raise UserError(
            f"{file.parent} was begun with another --space: delete it to search anew, or pass the "
            "old one."
        )
    write_json(file, content)
