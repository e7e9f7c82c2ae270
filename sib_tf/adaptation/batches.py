"""Minibatches of stored features as batches: drawn views without end, or plain ones once."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from sib_tf.adaptation.minibatches.reader import MinibatchTable
from sib_tf.features.feature_table import FeatureTable
from sib_tf.method.rotation import TURNS
from sib_tf.training.input_pipeline import function_of_step


class FeatureRows:
    """The features of several domains, to be looked up by domain, view and image.

    Args:
        tables: features of each domain: V views of each image, each turned by the four angles.
    """

    def __init__(self, tables: Sequence[FeatureTable]) -> None:
        (self.views,) = {len(table.features) // TURNS for table in tables}
        self._tables = [table.features for table in tables]

    def __call__(self, domains: tf.Tensor, ids: tf.Tensor, views: tf.Tensor) -> tf.Tensor:
        """Features of images turned by the four angles.

        Args:
            domains: int32 [...].
            ids: positions of the images in their domains, int32 [..., Q].
            views: view of each image, int32 [..., Q].

        Returns:
            float32 [..., Q, 4, D].
        """
        row = (views * TURNS)[..., tf.newaxis] + tf.range(TURNS)
        found = tf.numpy_function(self._find, [domains, row, ids], tf.float32, stateful=False)
        return tf.ensure_shape(found, [*row.shape, self._tables[0].shape[-1]])

    def _find(self, domains: np.ndarray, rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        tasks = [
            self._tables[domain][rows[task], ids[task][:, np.newaxis]]
            for task, domain in np.ndenumerate(domains)
        ]
        return np.reshape(tasks, (*rows.shape, -1))


def training_batches(
    features: FeatureRows,
    minibatches: MinibatchTable,
    *,
    steps_per_call: int,
    minibatches_per_step: int,
    seed: int,
    starts: Sequence[int],
    first_step: int = 0,
) -> tf.data.Dataset:
    """Endless runs of steps over the minibatches, in their order and over again.

    Each use of an image draws one of its V views. A run is a function of the seed and its first
    step alone.

    Args:
        features: features of the labelled domains.
        minibatches: minibatches of the same domains, all of Q images.
        steps_per_call: T, consecutive steps of a run.
        minibatches_per_step: B.
        seed: seed of the views.
        starts: number of the start for each domain, see `ZeroShotClassifier`.
        first_step: number of the first step, a multiple of T.

    Returns:
        A data set of (inputs of `ZeroShotClassifier`, labels int32 [T, B, Q]); inputs have the axes
        [T, B, ...], too.
    """
    shape = (steps_per_call, minibatches_per_step)
    tasks_of_run = steps_per_call * minibatches_per_step
    domains, ids, labels, starts = map(
        tf.constant, (minibatches.domains, minibatches.ids, minibatches.labels, list(starts))
    )

    def run(index: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        chosen = (index * tasks_of_run + tf.range(tasks_of_run, dtype=tf.int64)) % len(minibatches)
        chosen = tf.reshape(chosen, shape)
        domain, images = tf.gather(domains, chosen), tf.gather(ids, chosen)
        views = tf.random.stateless_uniform(
            tf.shape(images), tf.stack([seed, index]), maxval=features.views, dtype=tf.int32
        )
        inputs = {
            "features": features(domain, images, views),
            "start": tf.gather(starts, domain),
        }
        return inputs, tf.gather(labels, chosen)

    return function_of_step(run, first=first_step // steps_per_call, parallel=1)


def evaluation_batches(
    features: FeatureRows,
    minibatches: MinibatchTable,
    starts: Sequence[int],
    batch_size: int = 8,
) -> tf.data.Dataset:
    """All minibatches once, in their order, on the first view of each image.

    Args:
        features: features of the domains.
        minibatches: minibatches of these images.
        starts: number of the start for each domain, see `ZeroShotClassifier`.
        batch_size: B, minibatches of a batch.

    Returns:
        A data set of (inputs of `ZeroShotClassifier` with "query_mask", labels int32 [B, Q],
        weights float32 [B, Q], 0 for padding).
    """
    table = (minibatches.domains, minibatches.ids, minibatches.labels)
    starts = tf.constant(list(starts))

    def lookup(
        domains: tf.Tensor, ids: tf.Tensor, labels: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        present = ids >= 0
        inputs = {
            "features": features(domains, tf.maximum(ids, 0), tf.zeros_like(ids)),
            "start": tf.gather(starts, domains),
            "query_mask": present,
        }
        return inputs, tf.maximum(labels, 0), tf.cast(present, tf.float32)

    return tf.data.Dataset.from_tensor_slices(table).batch(batch_size).map(lookup)
