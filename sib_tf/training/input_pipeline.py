"""What every training input pipeline shares."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


def function_of_step(
    make: Callable[[tf.Tensor], Any], *, first: int, parallel: int
) -> tf.data.Dataset:
    """Endless data set make(first), make(first + 1), ...: each element a function of its number.

    So a training that starts again at any step sees the data it would have seen.

    Autotuning is off: its thread sleeps for twice as long after each look, up to a minute, and
    `fit` waits at the end of every epoch until it wakes.

    Args:
        make: int64 scalar to an element.
        first: number of the first element.
        parallel: calls of `make` at a time.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max)
    elements = numbers.map(make, num_parallel_calls=parallel, deterministic=True)
    return elements.prefetch(2).with_options(options)
