"""How near the slopes of a zero-shot regression come to the best guess in closed form."""

from collections.abc import Mapping

import keras
import numpy as np

from sib_tf.regression.model import LineRegressor
from sib_tf.regression.tasks import Lines, Normal, kl, posterior, prior


def rows(model: LineRegressor, tasks: Mapping[str, Lines], num_steps: int) -> list[dict]:
    """Results on each split after 0 .. num_steps steps.

    Args:
        model: trained regression.
        tasks: tasks by split.
        num_steps: K, the largest number of steps to evaluate.

    Returns:
        A row for each split and K: `split`, `num_steps`, `kl`, the mean over tasks of
        KL(N(theta^K, sigma_w^2) || p(w | task)) in nats, and `mse`, the mean over tasks and inputs
        of (theta^K x - y)^2.
    """
    return [
        {"split": split, "num_steps": k, **_errors(theta, lines)}
        for split, lines in tasks.items()
        for k, theta in enumerate(model.slopes(lines.x, num_steps).numpy().astype(np.float64))
    ]


def rows_as_trained(model: LineRegressor, tasks: Mapping[str, Lines]) -> list[dict]:
    """The rows at the K of training, one for each split."""
    steps = model.num_steps
    return [row for row in rows(model, tasks, steps) if row["num_steps"] == steps]


def rows_of_best_constant(tasks: Mapping[str, Lines]) -> list[dict]:
    """KL and square error of the best slope for all tasks of a family, on those that were drawn.

    Returns:
        A row for each split: `split`, `slope`, `kl` and `mse`. The mean of `kl` over draws is
        `kl_of_best_constant` of the family.
    """
    found = []
    for split, lines in tasks.items():
        slope = float(prior(lines.family).mean)
        slopes = np.full(len(lines.w), slope)
        found.append({"split": split, "slope": slope, **_errors(slopes, lines)})
    return found


def _errors(slopes: np.ndarray, lines: Lines) -> dict[str, float]:
    """KL and square error of slopes [T]."""
    q = Normal(slopes, lines.family.sigma_w)
    return {
        "kl": float(np.mean(kl(q, posterior(lines.family, lines.x)))),
        "mse": float(np.mean(np.square(slopes[:, np.newaxis] * lines.x - lines.y))),
    }


class KLLog(keras.callbacks.Callback):
    """Adds `kl_SPLIT` and `mse_SPLIT` at the K of training to the logs of each epoch.

    Args:
        task: task model in training.
        tasks: tasks by split.
    """

    def __init__(self, task: LineRegressor, tasks: Mapping[str, Lines]) -> None:
        super().__init__()
        self._task, self._tasks = task, tasks

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Evaluates; labels of test tasks are compared with, never learned from."""
        for row in rows_as_trained(self._task, self._tasks):
            logs.update({f"{name}_{row['split']}": row[name] for name in ("kl", "mse")})
