"""The xi of a regression, which sees the number predicted for a query and nothing else."""

from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.xi.perceptron import torch_dense


@keras.saving.register_keras_serializable("sib_tf")
class PointwiseSyntheticGradient(keras.layers.Layer):
    """xi of a regression: a perceptron 1 -> 8 -> 8 -> 1 with ReLU on the prediction of each query.

    Its guess for a query depends on nothing else; there is nothing to normalise.

    Source: section 4.1 of the paper.

    Args:
        hidden: units of the two hidden layers.
    """

    def __init__(self, hidden: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden
        policy = self.dtype_policy
        self.layers = [torch_dense(hidden, 1, policy), torch_dense(hidden, hidden, policy)]
        self.last = torch_dense(1, hidden, policy)

    def build(self, predictions_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for predictions [B, Q]."""
        sizes = (1, self.hidden, self.hidden)
        for layer, size in zip([*self.layers, self.last], sizes, strict=True):
            layer.build((*predictions_shape, size))

    def call(self, predictions: tf.Tensor, context: None = None) -> tf.Tensor:
        """Predictions, float [B, Q], to the synthetic gradient, float [B, Q]."""
        del context  # it has none
        x = predictions[..., tf.newaxis]
        for layer in self.layers:
            x = tf.nn.relu(layer(x))
        return self.last(x)[..., 0]

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {**super().get_config(), "hidden": self.hidden}
