"""Measures phi after each epoch."""

from collections.abc import Callable

import keras


class ValidationAccuracy(keras.callbacks.Callback):
    """Adds `val_accuracy` to the logs of each epoch.

    Args:
        measure: callable: phi, images [B, H, W, 3] to features [B, D] -> accuracy of its features
            on classes that it is not trained on.
    """

    def __init__(self, measure: Callable[[keras.Model], float]) -> None:
        super().__init__()
        self._measure = measure

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Measures the phi of the model that is trained."""
        logs["val_accuracy"] = self._measure(self.model.phi)
