"""Episodes of stored features as batches: drawn views without end, or plain ones once."""

import tensorflow as tf

from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.training.input_pipeline import function_of_step


def training_batches(
    features: FeatureTable,
    episodes: EpisodeTable,
    *,
    steps_per_call: int,
    episodes_per_step: int,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Endless runs of steps over the episodes, in their order and over again.

    Each use of an image draws one of its V views. A run is a function of the seed and its first
    step alone.

    Args:
        features: V views of each image.
        episodes: episodes to run over.
        steps_per_call: T, consecutive steps of a run.
        episodes_per_step: B.
        seed: seed of the views.
        first_step: number of the first step, a multiple of T.

    Returns:
        A data set of (inputs of `FewShotClassifier`, query_labels int32 [T, B, Q]); inputs have the
        axes [T, B, ...], too.
    """
    views, images, dim = features.features.shape
    # A variable, since tf.data keeps a copy of each constant, and here memory is what counts.
    rows = tf.Variable(features.features.reshape(views * images, dim), trainable=False)
    support, query = tf.constant(episodes.support_ids), tf.constant(episodes.query_ids)
    support_labels = tf.constant(episodes.support_labels)
    query_labels = tf.constant(episodes.query_labels)
    shape = (steps_per_call, episodes_per_step)
    episodes_of_run = steps_per_call * episodes_per_step

    def run(index: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        first = index * episodes_of_run
        chosen = (first + tf.range(episodes_of_run, dtype=tf.int64)) % len(episodes)
        chosen = tf.reshape(chosen, shape)

        def draw_views(ids: tf.Tensor, part: int) -> tf.Tensor:
            ids = tf.gather(ids, chosen)
            stream = tf.stack([seed, 2 * index + part])
            view = tf.random.stateless_uniform(ids.shape, stream, maxval=views, dtype=tf.int32)
            return tf.gather(rows, view * images + ids)

        inputs = {
            "support_features": draw_views(support, 0),
            "support_labels": tf.gather(support_labels, chosen),
            "query_features": draw_views(query, 1),
        }
        return inputs, tf.gather(query_labels, chosen)

    return function_of_step(run, first=first_step // steps_per_call, parallel=1)


def episode_batches(
    features: FeatureTable, episodes: EpisodeTable, batch_size: int
) -> tf.data.Dataset:
    """All episodes once, in their order, on the first view of each image.

    Args:
        features: features of the images.
        episodes: episodes of these images.
        batch_size: B, number of episodes of a batch.

    Returns:
        A data set of (inputs of `FewShotClassifier`, query_labels int32 [B, Q]).
    """
    rows = tf.constant(features.features[0])

    def lookup(
        support: tf.Tensor, support_labels: tf.Tensor, query: tf.Tensor, query_labels: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        inputs = {
            "support_features": tf.gather(rows, support),
            "support_labels": support_labels,
            "query_features": tf.gather(rows, query),
        }
        return inputs, query_labels

    table = (
        episodes.support_ids,
        episodes.support_labels,
        episodes.query_ids,
        episodes.query_labels,
    )
    return tf.data.Dataset.from_tensor_slices(table).batch(batch_size).map(lookup)
