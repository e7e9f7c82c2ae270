"""`fit` for `tf.distribute.MultiWorkerMirroredStrategy`, with which that of Keras 3 fails.

Keras adds up what the workers hold of its first batch as if this were one process. Here is no more
than its loop around the model's own `train_step`: callbacks, metrics and checkpoints are Keras'.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from sib_tf.base.errors import UserError

# What TensorFlow raises in the others some ten seconds after a worker has died or frozen.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)


def fit(
    model: keras.Model,
    batches: Callable[[tf.distribute.InputContext], tf.data.Dataset],
    *,
    epochs: int,
    initial_epoch: int,
    steps_per_epoch: int,
    verbose: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains a model that is compiled under the strategy; called by every worker.

    Args:
        model: compiled model, with its optimizer built.
        batches: callable: input context of a worker -> endless data set, whose elements are the
            share of one replica.
        epochs: number of the last epoch, see `keras.Model.fit`.
        initial_epoch: number of the first epoch, the same for every worker.
        steps_per_epoch: steps of an epoch.
        verbose: 1 for a progress bar, else 0.
        callbacks: callbacks of this worker; other workers may have others.
    """
    strategy = model.distribute_strategy
    batch = iter(strategy.distribute_datasets_from_function(batches))

    @tf.function
    def step() -> None:
        strategy.run(model.train_step, args=(next(batch),))

    calls = keras.callbacks.CallbackList(
        callbacks,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps_per_epoch,
    )
    calls.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        calls.on_epoch_begin(epoch)
        for number in range(steps_per_epoch):
            calls.on_train_batch_begin(number)
            step()
            calls.on_train_batch_end(number)
        metrics = model.get_metrics_result()  # of all workers
        calls.on_epoch_end(epoch, {name: float(value) for name, value in metrics.items()})
    calls.on_train_end()


def share(model: keras.Model) -> None:
    """Gives all workers the variables of the chief's model and of its optimizer.

    So the chief alone reads a checkpoint, and no worker can go on from another one.
    """
    strategy = model.distribute_strategy
    variables = [*model.weights, *model.optimizer.variables]

    def of_chief(value: tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        first = tf.equal(replica.replica_id_in_sync_group, 0)
        return replica.all_reduce("SUM", tf.where(first, value, tf.zeros_like(value)))

    @tf.function
    def values_of_chief() -> list[tf.Tensor]:
        return strategy.run(lambda: [of_chief(tf.convert_to_tensor(v)) for v in variables])

    for variable, value in zip(variables, values_of_chief(), strict=True):
        variable.assign(strategy.experimental_local_results(value)[0])


@contextlib.contextmanager
def naming_lost_workers() -> Iterator[None]:
    """Raises UserError in place of what TensorFlow raises if another worker is gone."""
    try:
        yield
    except _LOST as error:
        raise UserError(
            f"Another worker is gone ({_reason(error)}): run the same command again on every "
            "worker; it goes on."
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """What befell the connection, without the graph that it befell."""
    _, _, reason = error.message.rpartition("Collective ops is aborted by: ")
    return reason.splitlines()[0].rstrip(":")
