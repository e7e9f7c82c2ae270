"""Which devices train phi together: `tf.distribute` strategies by name.

Each step takes the same batch, shared equally by the replicas; its loss is the mean over the whole
batch and BatchNorm is synchronised. So the weights are those of one device, but for rounding.
"""

import logging
import signal

import tensorflow as tf

from sib_tf.base.errors import UserError, first_line
from sib_tf.training.devices import cluster

ONE_DEVICE = "one_device"
MIRRORED = "mirrored"
MULTI_WORKER = "multi_worker"
NAMES = (ONE_DEVICE, MIRRORED, MULTI_WORKER)
_LOG = logging.getLogger("sib_tf")


def build(name: str) -> tf.distribute.Strategy:
    """The strategy; "multi_worker" must be built before TensorFlow has done anything.

    Args:
        name: "one_device"; "mirrored", all GPUs of this machine, or its CPU if there is none; or
            "multi_worker", those of all machines of `cluster.from_environment()`, which it waits
            for.

    Raises:
        UserError: the cluster makes no sense or cannot be joined.
    """
    if name == MULTI_WORKER:
        return _multi_worker(cluster.from_environment())
    return tf.distribute.MirroredStrategy() if name == MIRRORED else tf.distribute.get_strategy()


def has_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether other processes train, too."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes results; the other workers of a cluster do not."""
    return not has_workers(strategy) or cluster.from_environment().is_chief


def refuse_unequal_shares(strategy: tf.distribute.Strategy, batch_size: int) -> None:
    """Raises UserError if a batch cannot be shared equally by the replicas."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise UserError(
            f"config.phi.batch_size={batch_size} cannot be shared equally by {replicas} "
            "replicas: make it a multiple, or let fewer devices be seen, such as by "
            "CUDA_VISIBLE_DEVICES."
        )


def _multi_worker(workers: cluster.Cluster) -> tf.distribute.Strategy:
    own = workers.addresses[workers.index]
    others = [address for address in workers.addresses if address != own]
    _LOG.info("%s: waiting for %s", own, ", ".join(others) or "nobody")
    # Python would see a Ctrl-C only after the wait, which can take an hour.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise UserError(
            f"--strategy=multi_worker: {own} cannot join the others: {first_line(error)}"
        ) from error
    finally:
        signal.signal(signal.SIGINT, interrupt)
