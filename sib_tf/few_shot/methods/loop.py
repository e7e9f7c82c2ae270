"""A step that is taken many times, as one node of the graph, so that XLA compiles it once."""

from collections.abc import Callable

import tensorflow as tf

State = tuple[tf.Tensor, ...]


def repeat(step: Callable[..., State], state: State, times: int) -> State:
    """Applies `step` to the tensors of `state`, `times` times over; shapes stay as they are."""
    start = (tf.constant(0), *state)
    return tf.while_loop(
        lambda n, *_: n < times,
        lambda n, *tensors: (n + 1, *step(*tensors)),
        start,
        maximum_iterations=times,
    )[1:]
