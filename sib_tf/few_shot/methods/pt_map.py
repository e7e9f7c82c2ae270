"""Class centres and balanced answers in turn, after a power transform of the features."""

from typing import ClassVar

import tensorflow as tf

from sib_tf.few_shot.methods import geometry
from sib_tf.few_shot.methods.loop import repeat
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.model import Inputs

_POWER = 0.5
_SHARPNESS = 10.0  # lambda
_ROUNDS = 20
_TOLERANCE, _MOST_SCALINGS = 1e-6, 1000


class PTMAP(Method):
    """Optimal transport from the queries to the centres of the classes, which all get equal shares.

    Features are raised to the power 1/2, normalised, centred on the mean of support or queries and
    normalised again. Then, twenty times: p = the plan of Sinkhorn's algorithm for the costs
    |f - c|^2, sharpness 10, rows that sum to 1 and columns that sum to Q / N; c moves by a part
    alpha towards the mean of the support and of the queries weighted by p.

    Constants of the paper: power 1/2, lambda 10, 20 rounds. alpha is chosen on validation episodes.
    The paper's QR decomposition is left out: it turns the features and changes no distance. The
    power takes features that are not negative, as after a ReLU; of negative ones it keeps the sign.

    Source: Hu, Gripon, Pateux, "Leveraging the Feature Distribution in Transfer-Based Few-Shot
    Learning", ICANN 2021.
    """

    title = "PT-MAP"
    grid: ClassVar = {"pace": (0.1, 0.2, 0.4)}
    chosen: ClassVar = {1: {"pace": 0.2}, 5: {"pace": 0.1}}

    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries, float32 [1, B, Q, N]."""
        del num_steps
        pace = self.constant("pace", inputs)
        support, query = (_transform(inputs[f"{part}_features"]) for part in ("support", "query"))
        members = geometry.members(inputs)
        examples = tf.concat([support, query], axis=1)

        def move(centres: tf.Tensor) -> tuple[tf.Tensor]:
            weights = tf.concat([members, balanced_plan(query, centres)], axis=1)
            return (centres + pace * (geometry.class_means(examples, weights) - centres),)

        (centres,) = repeat(move, (geometry.class_means(support, members),), _ROUNDS)
        plan = balanced_plan(query, centres)
        return (plan / tf.reduce_sum(plan, axis=-1, keepdims=True))[tf.newaxis]


def _transform(features: tf.Tensor) -> tf.Tensor:
    powers = tf.sign(features) * (tf.abs(features) + 1e-6) ** _POWER
    unit = tf.math.l2_normalize(powers, axis=-1)
    return tf.math.l2_normalize(unit - tf.reduce_mean(unit, axis=1, keepdims=True), axis=-1)


def balanced_plan(query: tf.Tensor, centres: tf.Tensor) -> tf.Tensor:
    """Sinkhorn's plan: float [B, Q, N], rows that sum to 1, columns that sum to Q / N.

    An episode that has converged waits for the others of its batch unchanged, so that its plan does
    not depend on them.
    """
    costs = geometry.squared_distances(query, centres)
    plan = tf.nn.softmax(-_SHARPNESS * costs)
    share = costs.shape[1] / costs.shape[2]

    def error(plan: tf.Tensor) -> tf.Tensor:
        return tf.reduce_max(tf.abs(tf.reduce_sum(plan, axis=2) - 1), axis=1)

    def going_on(plan: tf.Tensor) -> tf.Tensor:
        return tf.reduce_any(error(plan) > _TOLERANCE)

    def scale(plan: tf.Tensor) -> tuple[tf.Tensor]:
        rows = plan / tf.reduce_sum(plan, axis=2, keepdims=True)
        columns = share * rows / tf.reduce_sum(rows, axis=1, keepdims=True)
        return (tf.where((error(plan) > _TOLERANCE)[:, tf.newaxis, tf.newaxis], columns, plan),)

    first = share * plan / tf.reduce_sum(plan, axis=1, keepdims=True)
    return tf.while_loop(going_on, scale, (first,), maximum_iterations=_MOST_SCALINGS)[0]
