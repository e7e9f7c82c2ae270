"""keras-tuner over configs: the algorithms, and what one trial is."""

import dataclasses
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import keras_tuner

from sib_tf.base.errors import UserError
from sib_tf.training.callbacks.divergence import DivergenceError

OBJECTIVE = "val_accuracy"
_ORACLES = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "hyperband": keras_tuner.oracles.HyperbandOracle,
}
ALGORITHMS = tuple(_ORACLES)

# How keras-tuner is told of other processes of the same search.
_ADDRESS = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
_NAME = "KERASTUNER_TUNER_ID"
_PATIENCE = 180  # seconds that a worker waits for the chief, which may first draw episodes

# Meta-trains with some fields of the config changed, in a folder, up to an epoch; goes on with what
# it finds there. Returns metrics, among them `OBJECTIVE`.
Train = Callable[[dict[str, Any], Path, int], dict[str, float]]


@dataclasses.dataclass(frozen=True)
class Row:
    """A trial as it ended.

    Attributes:
        name: name of the trial.
        values: field that varies -> value.
        epochs: epochs of its training.
        metrics: metrics that `Train` returned; None if training diverged.
    """

    name: str
    values: dict[str, Any]
    epochs: int
    metrics: dict[str, float] | None


def role() -> str:
    """What this process is in its search: "alone", "chief" or "worker".

    Raises:
        UserError: if some of keras-tuner's three variables are set and others are not.
    """
    variables = (*_ADDRESS, _NAME)
    missing = [name for name in variables if not os.environ.get(name)]
    if len(missing) == len(variables):
        return "alone"
    if missing:
        raise UserError(f"{missing[0]} is not set: give all of {', '.join(variables)}, or none.")
    return "chief" if "chief" in os.environ[_NAME] else "worker"


def wait_for_chief() -> None:
    """Lets a worker begin when the chief has made the folder of the search.

    Raises:
        UserError: if no chief answers.
    """
    address = ":".join(os.environ[name] for name in _ADDRESS)
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_PATIENCE)
        except grpc.FutureTimeoutError:
            raise UserError(
                f"No chief of the search has answered at {address} for {_PATIENCE} s: start it, "
                "then this worker again."
            ) from None


def oracle(
    algorithm: str, space: keras_tuner.HyperParameters, *, trials: int, epochs: int, seed: int
) -> keras_tuner.Oracle:
    """What chooses the values of the next trial by how the earlier ones went.

    Args:
        algorithm: one of `ALGORITHMS`.
        space: space to search.
        trials: number of trials; "hyperband" derives it from `epochs`.
        epochs: epochs of a whole training.
        seed: seed of the choices.
    """
    budget = {"max_epochs": epochs} if algorithm == "hyperband" else {"max_trials": trials}
    return _ORACLES[algorithm](
        objective=keras_tuner.Objective(OBJECTIVE, direction="max"),
        hyperparameters=space,
        allow_new_entries=False,
        tune_new_entries=False,
        seed=seed + 1,  # keras-tuner takes 0 for none and draws one
        max_consecutive_failed_trials=sys.maxsize,  # that training diverges is an answer
        **budget,
    )


class ConfigTuner(keras_tuner.Tuner):
    """Runs the trials of an oracle, or as a worker those of the chief's.

    Args:
        oracle: source of the trials.
        folder: shared by all processes; a search that was killed goes on with what lies there.
        train: callable that runs one trial.
        epochs: epochs of a whole training.

    Raises:
        UserError: the folder is damaged.
    """

    def __init__(self, oracle: keras_tuner.Oracle, folder: Path, train: Train, epochs: int) -> None:
        self._train, self._epochs = train, epochs
        try:
            super().__init__(oracle, directory=str(folder), project_name="trials")
        except (ValueError, KeyError) as error:
            raise UserError(
                f"{folder} holds a damaged search ({error!r}): delete it to search anew."
            ) from error

    def pre_create_trial(self) -> None:
        """Called by keras-tuner, whose workers would wait for a chief that is gone for an hour."""
        if role() == "worker":
            wait_for_chief()

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Called by keras-tuner for every trial.

        Raises:
            keras_tuner.errors.FailedTrialError: training diverges.
            keras_tuner.errors.FatalError: anything else goes wrong; ends the search.
        """
        given = trial.hyperparameters.values
        folder = Path(self.get_trial_dir(trial.trial_id)) / "model"
        try:
            self._begin(folder, given.get("tuner/trial_id"))
            return self._train(_varied(given), folder, given.get("tuner/epochs", self._epochs))
        except DivergenceError as error:
            raise keras_tuner.errors.FailedTrialError(str(error)) from error
        except Exception as error:
            raise keras_tuner.errors.FatalError(str(error)) from error

    def _begin(self, folder: Path, earlier: str | None) -> None:
        """Makes the folder of a trial, with the checkpoint of the one that it goes on from."""
        if folder.exists():
            return
        beside = folder.with_name("model.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        if earlier:
            source = Path(self.get_trial_dir(earlier)) / "model"
            shutil.copytree(source / "checkpoints", beside / "checkpoints")
        beside.rename(folder)

    def run(self) -> None:
        """Searches until the oracle has no more trials.

        Raises:
            What a trial raised, unless its training diverged.
        """
        try:
            self.search()
        except keras_tuner.errors.FatalError as error:
            raise error.__cause__ from None

    def rows(self) -> list[Row]:
        """Every trial that has ended, in the order of their numbers; not for a worker."""
        ended = [t for t in self.oracle.trials.values() if t.status in ("COMPLETED", "FAILED")]
        return [self._row(trial) for trial in sorted(ended, key=lambda t: t.trial_id)]

    def _row(self, trial: keras_tuner.engine.trial.Trial) -> Row:
        given = trial.hyperparameters.values
        measured = trial.metrics.metrics
        return Row(
            trial.trial_id,
            _varied(given),
            given.get("tuner/epochs", self._epochs),
            {name: float(trial.metrics.get_best_value(name)) for name in measured} or None,
        )


def _varied(values: dict[str, Any]) -> dict[str, Any]:
    """The values without those by which Hyperband keeps its books."""
    return {name: value for name, value in values.items() if not name.startswith("tuner/")}
