"""The method: transductive inference by synthetic gradients.

"Empirical Bayes Transductive Meta-Learning with Synthetic Gradients" (Hu et al., ICLR 2020,
arXiv 2004.12696). A new task (an *episode*) comes with a few labelled *support* examples d^l and
many unlabelled *query* examples x. We look for the weights theta of a small model of this task
alone. With the query labels y at hand we would descend a loss L by the chain rule,

    theta  <-  theta - eta * [d yhat / d theta]^T  dL/dyhat(yhat, y),       yhat = f(x; theta).

Only the last factor needs the labels. The method replaces it by a *synthetic gradient* xi(yhat), a
small network that guesses dL/dyhat from the predictions alone:

    theta^0      =  lambda(d^l)                                          (initializations/)
    theta^{k+1}  =  theta^k - eta * [d yhat / d theta^k]^T  xi(yhat^k),   k = 0 .. K-1  (below, xi/)
    yhat^k       =  f(x; theta^k)                                        (decoders.py)

Meta-training, where the query labels are known, takes the loss of yhat^K and differentiates it
through these K steps into lambda, xi and the decoder: xi learns to *be* the gradient that makes
the final prediction right. At test time no label is asked for. K = 0 is the inductive baseline: the
support set alone decides.
"""

from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

# The weights of a batch of tasks: a tensor [B, ...], or a nest of them (dict, tuple, list).
Weights = TypeVar("Weights")


def unroll(
    theta: Weights,
    predict: Callable[[Weights], tf.Tensor],
    synthetic_gradient: Callable[[tf.Tensor], tf.Tensor],
    *,
    step_size: float,
    num_steps: int,
) -> list[Weights]:
    """Takes K synthetic-gradient steps on the weights of a batch of tasks.

        theta^{k+1} = theta^k - step_size * [d yhat^k / d theta^k]^T xi(yhat^k)
        yhat^k      = predict(theta^k)

    The product with the transposed Jacobian *sums* over the queries, it does not average: with more
    queries a step is longer. The result is differentiable with respect to `theta` and to whatever
    `predict` and `synthetic_gradient` depend on.

    Args:
        theta: theta^0, a tensor, float [B, ...], or a nested structure of such tensors: one set of
            weights per task.
        predict: maps theta to the query predictions yhat, float [B, Q, ...]. Tasks stay apart:
            yhat[b] depends on theta[b] only.
        synthetic_gradient: xi, maps yhat to a guess of dL/dyhat, of the same shape.
        step_size: eta, a setting of its own, not the learning rate of meta-training.
        num_steps: K >= 0.

    Returns:
        The path [theta^0, ..., theta^K], K + 1 structures like `theta`. Weights that the prediction
        does not depend on stay as they are.

    Raises:
        ValueError: if `num_steps` is negative, a tensor of `theta` is not floating point, or the
            synthetic gradient has another shape than the prediction.

    Source: equations 11 and 12 and algorithm 1 of the paper.
    """
    if num_steps < 0:
        raise ValueError(f"num_steps must be 0 or more, got {num_steps}.")
    theta = tf.nest.map_structure(_floating, theta)
    path = [theta]
    for _ in range(num_steps):
        with tf.GradientTape() as tape:
            tape.watch(theta)
            prediction = predict(theta)
        cotangent = synthetic_gradient(prediction)
        if not cotangent.shape.is_compatible_with(prediction.shape):
            raise ValueError(
                "synthetic_gradient must keep the shape of the prediction: "
                f"got {cotangent.shape} for {prediction.shape}."
            )
        gradient = tape.gradient(
            prediction,
            theta,
            output_gradients=cotangent,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        theta = tf.nest.map_structure(lambda w, g: w - step_size * g, theta, gradient)
        path.append(theta)
    return path


def _floating(weights: tf.Tensor) -> tf.Tensor:
    weights = tf.convert_to_tensor(weights)
    if not weights.dtype.is_floating:
        raise ValueError(f"theta must be floating point, got {weights.dtype.name}.")
    return weights
