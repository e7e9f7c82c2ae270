"""Weights that make the answers to the queries certain, and all classes equally frequent."""

from collections.abc import Callable
from typing import ClassVar

import tensorflow as tf

from sib_tf.few_shot.methods import geometry
from sib_tf.few_shot.methods.loop import repeat
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.model import Inputs

_SCALE = 15.0
_STEPS, _LEARNING_RATE = 1000, 1e-4
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8  # of Adam
_TINY = 1e-12


class TIM(Method):
    """Adam on 0.1 CE(support) + 0.1 H(y | x) - H(y), from the class means.

    CE is the mean cross-entropy of the support, H(y | x) the mean entropy of the answers to the
    queries and H(y) the entropy of their mean, whose maximum is at equal shares. An answer is
    softmax(-15/2 |f - w_n|^2) for unit features f.

    Constants of the paper: weights 0.1, 0.1 and 1, scale 15, learning rate 1e-4, 1,000 steps.
    Nothing is tuned.

    Source: Boudiaf et al., "Transductive Information Maximization for Few-Shot Learning", NeurIPS
    2020 (TIM-GD).
    """

    title = "TIM-GD"
    costly: ClassVar[bool] = True

    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries, float32 [1, B, Q, N]."""
        del num_steps
        members = geometry.members(inputs)
        support, query = geometry.unit_features(inputs)

        def loss(weights: tf.Tensor) -> tf.Tensor:
            return self.loss(members, answers(support, weights), answers(query, weights), inputs)

        weights = _adam(loss, geometry.class_means(support, members))
        return answers(query, weights)[tf.newaxis]

    def loss(
        self, members: tf.Tensor, support: tf.Tensor, query: tf.Tensor, inputs: Inputs
    ) -> tf.Tensor:
        """What is minimised, summed over the episodes, which do not meet in it.

        Args:
            members: true classes of the support, float [B, S, N].
            support: answers to the support, float [B, S, N].
            query: answers to the queries, float [B, Q, N].
            inputs: the episodes.
        """
        del inputs
        shares = tf.reduce_mean(query, axis=1)
        return tf.reduce_sum(
            0.1 * cross_entropy(members, support)
            + 0.1 * tf.reduce_mean(_entropy(query), axis=-1)
            - _entropy(shares)
        )


def answers(examples: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Class probabilities of unit examples [B, M, D] from weights [B, N, D]: float [B, M, N]."""
    return tf.nn.softmax(-_SCALE / 2 * geometry.squared_distances(examples, weights))


def cross_entropy(members: tf.Tensor, support: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of the support of each episode, nats, float [B]."""
    of_example = -tf.reduce_sum(members * tf.math.log(support + _TINY), axis=-1)
    return tf.reduce_mean(of_example, axis=-1)


def _entropy(p: tf.Tensor) -> tf.Tensor:
    return -tf.reduce_sum(p * tf.math.log(p + _TINY), axis=-1)


def _adam(loss: Callable[[tf.Tensor], tf.Tensor], weights: tf.Tensor) -> tf.Tensor:
    """A thousand steps of Adam (Kingma and Ba, 2015), one coordinate apart from the other.

    A Keras optimizer keeps its moments in variables, which XLA cannot carry through a loop.
    """

    def step(
        n: tf.Tensor, weights: tf.Tensor, mean: tf.Tensor, square: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = loss(weights)
        gradient = tape.gradient(value, weights)
        mean = _BETA_1 * mean + (1 - _BETA_1) * gradient
        square = _BETA_2 * square + (1 - _BETA_2) * tf.square(gradient)
        first, second = mean / (1 - _BETA_1**n), square / (1 - _BETA_2**n)
        return n + 1, weights - _LEARNING_RATE * first / (tf.sqrt(second) + _EPSILON), mean, square

    zeros = tf.zeros_like(weights)
    return repeat(step, (tf.constant(1.0), weights, zeros, zeros), _STEPS)[1]
