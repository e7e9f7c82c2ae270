"""One line in the log for every epoch of a training."""

import logging
import time

import keras

_LOG = logging.getLogger("sib_tf")


class LogEpochs(keras.callbacks.Callback):
    """Logs the metrics after each epoch, and what it took in seconds.

    Keras' progress bar, which a terminal shows, would fill a log file with a line for each of its
    updates.
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Logs a line."""
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in logs.items())
        seconds = time.perf_counter() - self._start
        _LOG.info("epoch %d of %d: %s (%.1f s)", epoch + 1, self.params["epochs"], metrics, seconds)
