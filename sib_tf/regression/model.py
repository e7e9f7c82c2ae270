"""Zero-shot regression: a learned theta^0, xi and a linear decoder around `inference.unroll`."""

from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.decoders import linear
from sib_tf.method.inference import unroll
from sib_tf.method.initializations.learned import LearnedInitialization
from sib_tf.method.xi.pointwise import PointwiseSyntheticGradient


@keras.saving.register_keras_serializable("sib_tf")
class LineRegressor(keras.Model):
    """Predicts the labels of a task from its inputs alone.

        model(x [B, Q])  ->  yhat = theta^K x, float [B, Q]

    Tasks of a batch do not meet. The variational posterior of a slope is N(theta^K, sigma_w^2),
    with the sigma_w of the tasks.

    Args:
        num_steps: K, synthetic-gradient steps.
        step_size: eta. The step sums over the inputs.
        dtype: Keras dtype or policy of weights and computation.

    Source: section 4.1 of the paper.
    """

    def __init__(
        self,
        num_steps: int = 3,
        step_size: float = 1e-3,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, **kwargs)
        self.num_steps = num_steps
        self.step_size = step_size
        self.initialization = LearnedInitialization(1, dtype=self.dtype_policy)
        self.xi = PointwiseSyntheticGradient(dtype=self.dtype_policy)
        self.initialization.build((None, None, 1))
        self.xi.build((None, None))
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Predictions after K synthetic-gradient steps, float [B, Q]."""
        return linear(x[..., tf.newaxis], self._theta_path(x, self.num_steps)[-1])

    def query_loss(self) -> keras.losses.Loss:
        """What meta-training minimises: the mean square error of the labels."""
        return keras.losses.MeanSquaredError()

    def query_metrics(self) -> list[str]:
        """What meta-training reports besides: nothing."""
        return []

    def slopes(self, x: tf.Tensor, num_steps: int) -> tf.Tensor:
        """theta^0 .. theta^K for inputs [B, Q], float [K + 1, B]; K is `num_steps`."""
        return tf.stack(self._theta_path(x, num_steps))[..., 0]

    def _theta_path(self, x: tf.Tensor, num_steps: int) -> list[tf.Tensor]:
        features = tf.cast(x, self.compute_dtype)[..., tf.newaxis]
        return unroll(
            self.initialization(features),
            predict=lambda theta: linear(features, theta),
            synthetic_gradient=self.xi,
            step_size=self.step_size,
            num_steps=num_steps,
        )

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_steps": self.num_steps,
            "step_size": self.step_size,
        }
