"""Tasks of the zero-shot regression as training batches."""

import tensorflow as tf

from sib_tf.regression.tasks import Lines
from sib_tf.training.input_pipeline import function_of_step


def training_batches(
    lines: Lines, *, steps_per_call: int, tasks_per_step: int, first_step: int = 0
) -> tf.data.Dataset:
    """Endless runs of steps over the tasks, in their order and over again.

    Args:
        lines: the tasks; x [T, n].
        steps_per_call: consecutive steps of a run.
        tasks_per_step: B.
        first_step: number of the first step, a multiple of `steps_per_call`.

    Returns:
        A data set of (inputs, labels), each float32 [steps_per_call, B, n].
    """
    x, y = tf.constant(lines.x), tf.constant(lines.y)
    shape = (steps_per_call, tasks_per_step)
    tasks_of_run = steps_per_call * tasks_per_step

    def run(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = (index * tasks_of_run + tf.range(tasks_of_run, dtype=tf.int64)) % len(lines.x)
        chosen = tf.reshape(chosen, shape)
        return tf.gather(x, chosen), tf.gather(y, chosen)

    return function_of_step(run, first=first_step // steps_per_call, parallel=1)
