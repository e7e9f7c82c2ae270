"""Episodes of stored features as batches: drawn views without end, or plain ones once."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from sib_tf.base import lookup
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.episodes.varied import level_of, levels
from sib_tf.training.input_pipeline import function_of_step


def training_batches(
    features: FeatureTable,
    episodes: EpisodeTable,
    *,
    steps_per_call: int,
    episodes_per_step: int,
    seed: int,
    first_step: int = 0,
    feature_noise: float = 0.0,
) -> tf.data.Dataset:
    """Endless runs of steps over the episodes, in their order and over again.

    Each use of an image draws one of its V views. A run is a function of the seed and its first
    step alone. Episodes of many sizes are filled up to a level that all steps of a run share, see
    `varied`; "query_mask" and "class_mask" among the inputs, and weights of 0, mark the padding.

    Args:
        features: V views of each image.
        episodes: episodes to run over. If they are of many sizes, the episodes of a run are of one
            block.
        steps_per_call: T, consecutive steps of a run.
        episodes_per_step: B.
        seed: seed of the views and of the noise.
        first_step: number of the first step, a multiple of T.
        feature_noise: largest length of the noise on features of length 1; 0: features are as they
            are stored.

    Returns:
        A data set of (inputs of `FewShotClassifier`, query_labels int32 [T, B, Q]); inputs have the
        axes [T, B, ...], too. With episodes of many sizes a third element is the weights of the
        queries, float32 [T, B, Q].
    """
    views, images, dim = features.features.shape
    rows = features.features.reshape(views * images, dim)
    table = {
        field.name: tf.constant(getattr(episodes, field.name))
        for field in dataclasses.fields(episodes)
    }
    shape = (steps_per_call, episodes_per_step)
    episodes_of_run = steps_per_call * episodes_per_step
    varies = bool((episodes.query_labels < 0).any() or (episodes.support_labels < 0).any())
    rooms = tf.constant(_rooms(episodes, episodes_of_run)) if varies else None

    def run(index: tf.Tensor) -> tuple:
        first = index * episodes_of_run
        chosen = (first + tf.range(episodes_of_run, dtype=tf.int64)) % len(episodes)
        chosen = tf.reshape(chosen, shape)
        drawn = {name: tf.gather(column, chosen) for name, column in table.items()}
        if varies:
            drawn = _without_common_padding(drawn, rooms[chosen[0, 0] // episodes_of_run])

        def draw_views(ids: tf.Tensor, part: int) -> tf.Tensor:
            ids = tf.maximum(ids, 0)  # of padding, which nobody looks at
            stream = tf.stack([seed, 2 * index + part])
            view = tf.random.stateless_uniform(tf.shape(ids), stream, maxval=views, dtype=tf.int32)
            return lookup.rows(rows, view * images + ids)

        inputs = {
            "support_features": draw_views(drawn["support_ids"], 0),
            "support_labels": drawn["support_labels"],
            "query_features": draw_views(drawn["query_ids"], 1),
        }
        if feature_noise:
            inputs |= _noisy(inputs, feature_noise, tf.random.fold_in([seed, 0], index))
        if not varies:
            return inputs, drawn["query_labels"]
        inputs["query_mask"] = drawn["query_labels"] >= 0
        inputs["class_mask"] = drawn["classes"] >= 0
        weights = tf.cast(inputs["query_mask"], tf.float32)
        return inputs, tf.maximum(drawn["query_labels"], 0), weights

    return function_of_step(run, first=first_step // steps_per_call, parallel=1)


def _noisy(inputs: Mapping[str, tf.Tensor], most: float, stream: tf.Tensor) -> dict[str, tf.Tensor]:
    """Unit features of a run plus isotropic noise, of one length in the whole episode.

    phi has seen the classes of training, whose episodes are too easy: xi would learn to trust the
    start more than classes that phi has not seen allow.

    Args:
        inputs: inputs of the model, of which the features are taken, [T, B, n, D].
        most: the lengths of the noise are spread evenly from 0 to this.
        stream: seed of the draws, int32 [2].
    """
    features = {name: x for name, x in inputs.items() if name.endswith("_features")}
    steps, batch, _, dim = next(iter(features.values())).shape
    length = tf.random.stateless_uniform([steps, batch, 1, 1], stream, maxval=most)

    def noise(part: int, shape: tf.Tensor) -> tf.Tensor:
        normal = tf.random.stateless_normal(shape, tf.random.fold_in(stream, part))
        return length * normal / math.sqrt(dim)

    return {
        name: tf.math.l2_normalize(x, axis=-1) + noise(part, tf.shape(x))
        for part, (name, x) in enumerate(features.items())
    }


def _rooms(episodes: EpisodeTable, episodes_of_run: int) -> np.ndarray:
    """N, S and Q to which the episodes of each run are filled up, int32 [runs, 3]."""
    (_, way), support, queries = (
        column.shape for column in (episodes.classes, episodes.support_ids, episodes.query_ids)
    )
    shot = support[1] // way
    found = []
    for start in range(0, len(episodes), episodes_of_run):
        part = episodes.part(start, start + episodes_of_run)
        sizes = ((part.classes, way, "way"), (part.query_ids, queries[1], "queries"))
        classes, asked = (
            level_of((column >= 0).sum(axis=1).max(), levels(largest, name))
            for column, largest, name in sizes
        )
        found.append((classes, classes * shot, asked))
    return np.array(found, np.int32)


def _without_common_padding(
    drawn: Mapping[str, tf.Tensor], room: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The columns of a run, [T, B, ...], as far as its room of N, S and Q."""
    sizes = {"classes": room[0], "support": room[1], "query": room[2]}
    return {name: column[..., : sizes[name.split("_")[0]]] for name, column in drawn.items()}


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
    rows = features.features[0]

    def inputs_and_labels(
        support: tf.Tensor, support_labels: tf.Tensor, query: tf.Tensor, query_labels: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        inputs = {
            "support_features": lookup.rows(rows, support),
            "support_labels": support_labels,
            "query_features": lookup.rows(rows, query),
        }
        return inputs, query_labels

    table = (
        episodes.support_ids,
        episodes.support_labels,
        episodes.query_ids,
        episodes.query_labels,
    )
    return tf.data.Dataset.from_tensor_slices(table).batch(batch_size).map(inputs_and_labels)
