"""Ends a training whose loss is not finite any more."""

import math

import keras

from sib_tf.base.errors import UserError


class DivergenceError(UserError):
    """A metric has become NaN or infinite."""


class StopIfDiverged(keras.callbacks.Callback):
    """Refuses an epoch with a NaN or infinite metric, before other callbacks can keep its weights.

    Keras' own `TerminateOnNaN` ends `fit` as if training were complete. Place this one before all
    callbacks that save.

    Args:
        rates: the config fields to lower.

    Raises:
        DivergenceError: at the end of such an epoch; names the fields.
    """

    def __init__(self, *rates: str) -> None:
        super().__init__()
        self._rates = " or ".join(f"config.{rate}" for rate in rates)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Looks at every metric: the weights after the last step show in the validation alone."""
        for name, value in logs.items():
            if not math.isfinite(value):
                raise DivergenceError(
                    f"Training has diverged: {name} is {value} after epoch {epoch + 1}. Lower "
                    f"{self._rates}."
                )
