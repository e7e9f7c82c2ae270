"""Logistic regression on the support set, what most people would use."""

from typing import ClassVar

import tensorflow as tf

from sib_tf.few_shot.methods import geometry
from sib_tf.few_shot.methods.loop import repeat
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.model import Inputs

_STEPS = 500


class LogisticRegression(Method):
    """Multinomial logistic regression on unit features, as scikit-learn's.

    It minimises C * (sum of the cross-entropy over the support) + |W|^2 / 2; the intercepts are
    not penalised. The optimum is unique up to a constant in all intercepts.

    C is chosen on validation episodes.
    """

    title = "logistic regression"
    grid: ClassVar = {"inverse_penalty": (0.1, 1.0, 10.0, 100.0)}
    chosen: ClassVar = {1: {"inverse_penalty": 10.0}, 5: {"inverse_penalty": 1.0}}

    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries, float32 [1, B, Q, N]."""
        del num_steps
        support, query = geometry.unit_features(inputs)
        members = geometry.members(inputs)
        dual, intercepts = _fit(support, members, self.constant("inverse_penalty", inputs))
        products = tf.matmul(query, support, transpose_b=True)
        return tf.nn.softmax(tf.matmul(products, dual) + intercepts)[tf.newaxis]


def _fit(
    support: tf.Tensor, members: tf.Tensor, inverse_penalty: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Coefficients A [B, S, N] with W = A^T support, and intercepts [B, 1, N].

    Nesterov's method on W with the step 1 / L and the momentum of a function between m and L
    strongly convex: m = 1, and L = 1 + C (largest eigenvalue of the Gram matrix, with intercepts)
    / 2, of which the largest row sum is a bound. W stays a combination of the support, so that S
    numbers a class do for D.
    """
    gram = tf.matmul(support, support, transpose_b=True)
    largest = tf.reduce_max(tf.reduce_sum(tf.abs(gram) + 1, axis=-1), axis=-1)
    smooth = (1 + inverse_penalty * largest / 2)[:, tf.newaxis, tf.newaxis]
    momentum = (tf.sqrt(smooth) - 1) / (tf.sqrt(smooth) + 1)

    def step(
        dual: tf.Tensor, shift: tf.Tensor, old_dual: tf.Tensor, old_shift: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        ahead = dual + momentum * (dual - old_dual)
        shift_ahead = shift + momentum * (shift - old_shift)
        error = tf.nn.softmax(tf.matmul(gram, ahead) + shift_ahead) - members
        total = tf.reduce_sum(error, axis=1, keepdims=True)
        new = ahead - (ahead + inverse_penalty * error) / smooth
        return new, shift_ahead - inverse_penalty * total / smooth, dual, shift

    zeros = tf.zeros_like(members)
    return repeat(step, (zeros, zeros[:, :1], zeros, zeros[:, :1]), _STEPS)[:2]
