"""Lets a killed `fit` go on as if nothing had happened."""

import json
from pathlib import Path

import keras
import tensorflow as tf

from sib_tf.base.errors import UserError, first_line


class Resume(keras.callbacks.Callback):
    """Saves the whole state of training after each epoch; `restore` brings the last one back.

    Keras' own `BackupAndRestore` learns the epoch only after `fit` has opened its data set; here it
    is known before, so that the data, a pure function of the step, can start at the right step. The
    history of metrics is part of the checkpoint: curves have no gap and no epoch twice.

    Args:
        folder: folder of the checkpoints.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.history: list[dict[str, float]] = []
        self._saved_history = tf.Variable("[]", dtype=tf.string)

    def set_model(self, model: keras.Model) -> None:
        """Called by Keras before training, and by `restore`."""
        super().set_model(model)
        model.optimizer.build(model.trainable_variables)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(model=model, history=self._saved_history),
            str(self._folder),
            max_to_keep=2,
        )

    def restore(self, model: keras.Model) -> int:
        """Restores the last checkpoint, if there is one, into a compiled model.

        Returns:
            The epoch to start with.

        Raises:
            UserError: the checkpoint is damaged; names the folder.
        """
        try:
            self.set_model(model)
            if self._manager.latest_checkpoint:
                self._manager.checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
                self.history = json.loads(self._saved_history.numpy())
        except (tf.errors.OpError, IndexError, ValueError) as error:  # what TensorFlow raises then
            raise UserError(
                f"{self._folder} holds a damaged checkpoint ({first_line(error)}): delete that "
                "folder to train anew."
            ) from error
        return len(self.history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the epoch to the history and saves."""
        row = {name: float(value) for name, value in (logs or {}).items()}
        self.history.append({"epoch": epoch + 1, **row})
        self._saved_history.assign(json.dumps(self.history))
        self._manager.save(checkpoint_number=epoch + 1)

    def curves(self) -> dict[str, list[float]]:
        """Metric name -> value after each epoch, with the epochs, from 1, under "epoch"."""
        return {name: [row[name] for row in self.history] for name in self.history[-1]}
