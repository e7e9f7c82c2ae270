"""Keeps the weights of the epoch that does best on validation."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from sib_tf.base.atomic import written_file


class BestWeights(keras.callbacks.Callback):
    """Saves the weights after each epoch with a higher `val_accuracy` than all before.

    Keras' own `ModelCheckpoint` writes over the file, so that a kill in that moment would destroy
    the weights of an epoch which does not come again; here they are replaced whole. It also writes
    HDF5, whose library crashes the process on a full disk.

    Args:
        file: to write, `.npz`.
        history: the epochs before, of a training that goes on.
    """

    def __init__(self, file: Path, history: Sequence[dict[str, float]]) -> None:
        super().__init__()
        self._file = file
        self._best = max((row["val_accuracy"] for row in history), default=float("-inf"))

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Saves if the epoch is the best."""
        if logs["val_accuracy"] > self._best:
            self._best = logs["val_accuracy"]
            with written_file(self._file) as file:
                np.savez(file, *self.model.get_weights())

    def restore(self) -> None:
        """Gives the model the best weights."""
        with np.load(self._file) as weights:
            self.model.set_weights(list(weights.values()))
