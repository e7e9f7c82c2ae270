"""The paper's xi, which sees the N logits of a query as a vector."""

import keras
import tensorflow as tf

from sib_tf.method.presence import zero_if_absent
from sib_tf.method.xi.context import Context
from sib_tf.method.xi.perceptron import Perceptron
from sib_tf.method.xi.synthetic_gradient import SyntheticGradient


@keras.saving.register_keras_serializable("sib_tf")
class DenseSyntheticGradient(SyntheticGradient):
    """A perceptron N -> 8N -> 8N -> N on the logits of each query.

    Source: section 4.2 of the paper; `dni` of the released code.
    """

    title = "dense"

    def build(self, logits_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for logits [B, Q, N].

        Raises:
            ValueError: the number of classes is not known.
        """
        if self.way is None:
            raise ValueError(
                "A dense synthetic gradient needs a fixed number of classes: give way."
            )
        hidden = self.hidden or 8 * self.way
        self.perceptron = Perceptron(self.way, hidden, self.way, dtype=self.dtype_policy)
        self.perceptron.build((*logits_shape[:-1], self.way))

    def call(self, logits: tf.Tensor, context: Context) -> tf.Tensor:
        """Logits [B, Q, N] to the synthetic gradient, float [B, Q, N]; 0 for an absent query."""
        present = context.query_mask
        return zero_if_absent(self.perceptron(logits, present=present), present)

    @classmethod
    def limits(cls, way: int) -> tuple[str, ...]:
        """What a model card says of the network."""
        return (f"Tied to {way} classes; which of them has which number changes some answers.",)
