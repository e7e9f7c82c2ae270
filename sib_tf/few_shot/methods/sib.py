"""The paper's method."""

from typing import ClassVar

import tensorflow as tf

from sib_tf.few_shot.methods.method import Method, Row
from sib_tf.few_shot.model import Inputs
from sib_tf.few_shot.report import names
from sib_tf.method.xi.registry import XI


class SIB(Method):
    """Synthetic information bottleneck: the meta-trained classifier after each of its steps."""

    title = "SIB"
    iterative: ClassVar[bool] = True

    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries after 0 .. K steps, float32 [K+1, B, Q, N]."""
        return tf.nn.softmax(self.classifier.logits_path(inputs, num_steps))

    @classmethod
    def name(cls, row: Row) -> str:
        """Name of a result at its K: `SIB, dense network, K = 3`."""
        return f"{cls.title}, {_network(row)}, K = {cls.steps(row)}"

    @classmethod
    def name_at_any_k(cls, row: Row) -> str:
        """Name without K: `SIB, dense network, trained on balanced queries`."""
        return f"{cls.title}, {cls.model(row)}"

    @classmethod
    def model(cls, row: Row) -> str:
        """What tells trained models apart: `dense network, trained on balanced queries`."""
        return f"{_network(row)}, trained on {names.queries(row['train_query_shares'])}"

    @classmethod
    def column(cls) -> str:
        """Head of the columns in the summary of all results."""
        return "K"


def _network(row: Row) -> str:
    return f"{XI[row['synthetic_gradient']].title} network"
