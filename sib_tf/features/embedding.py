"""Runs the frozen backbone over a data set, with Beam."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import tensorflow as tf

from sib_tf.backbones import feature_network
from sib_tf.backbones.augmentation import NUM_DRAWS, Augmentation
from sib_tf.backbones.feature_network import in_batches
from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.beam.counters import counter
from sib_tf.datasets import prepared
from sib_tf.features.feature_table import encode, gather, not_finite

BATCH = 500  # images whose views are drawn together; fixed, or they would be others
_FORWARD = 100  # images of one forward pass: five times as many take gigabytes at 160 pixels
# Images of one Beam element, in full batches. More would leave workers idle at the end of a small
# split; for each, opening the data set takes as long as embedding some 80 images ten times.
CHUNK = 8 * BATCH


class EmbedChunk(beam.DoFn):
    """Chunks of images, by their first position, to feature records (bytes).

    Made of plain values only, so that any runner can ship it.

    Args:
        phi: file of the saved Keras backbone, uint8 or float [B, H, W, 3] to [B, D].
        data: folder of the prepared TFDS data set.
        split: split of the data set.
        views: V.
        augmentation: random changes of every view; None: plain images (then V = 1).
        seed: seed of the views.
        turns: by how many angles each view is turned: 1, as it is; 4, by 0, 90, 180 and 270
            degrees, which are views of their own, one after the other.
    """

    def __init__(
        self,
        *,
        phi: str,
        data: str,
        split: str,
        views: int,
        augmentation: Augmentation | None,
        seed: int,
        turns: int = 1,
    ) -> None:
        self._phi_file, self._data, self._split = phi, data, split
        self._views, self._augmentation, self._seed = views, augmentation, seed
        self._turns = turns

    def setup(self) -> None:
        """Loads the backbone, once on each worker."""
        self._builder = prepared.builder_of(self._data)
        phi = keras_file.load(self._phi_file)
        images = tf.TensorSpec((None, *phi.input_shape[1:]))
        self._phi = tf.function(lambda batch: phi(batch, training=False), input_signature=[images])

    def process(self, start: int) -> Iterator[bytes]:
        """Embeds the chunk that begins at `start`.

        Raises:
            UserError: if phi makes NaN or infinite features; names phi, split and class.
        """
        end = min(start + CHUNK, self._builder.info.splits[self._split].num_examples)
        batches = prepared.examples(self._builder, f"{self._split}[{start}:{end}]", BATCH)
        for first, (images, labels) in zip(itertools.count(start, BATCH), batches, strict=False):
            views = (self._view(images, first, v) for v in range(self._views))
            turned = (tf.image.rot90(view, k) for view in views for k in range(self._turns))
            features = np.stack([in_batches(self._phi, view, _FORWARD) for view in turned], axis=1)
            self._refuse_not_finite(features, labels, first)
            for position, (label, row) in enumerate(zip(labels, features, strict=True), first):
                yield encode(position, label, row)
            counter("images").inc(len(images))

    def _refuse_not_finite(self, features: np.ndarray, labels: np.ndarray, start: int) -> None:
        bad = not_finite(features, axes=(1, 2))
        if len(bad):
            name = prepared.class_names(self._builder)[labels[bad[0]]]
            raise UserError(
                f"{self._phi_file} makes NaN or infinite features of image {start + bad[0]} of the "
                f'{self._split} split, class "{name}": its weights may hold NaN, so delete its '
                "folder and train it again."
            )

    def _view(self, images: np.ndarray, first: int, view: int) -> tf.Tensor:
        if self._augmentation is None:
            return tf.constant(images, tf.float32)
        stream = np.random.default_rng([self._seed, first, view])
        draws = stream.random((len(images), NUM_DRAWS), dtype=np.float32)
        return self._augmentation(images, tf.constant(draws))


def write(
    folder: Path,
    *,
    phi: Path,
    data: Path,
    split: str,
    views: int = 1,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    turns: int = 1,
    beam_args: Sequence[str] = (),
) -> int:
    """Embeds a split of a data set into `folder`.

    Args:
        folder: folder to write, see `feature_table`.
        phi: file of the saved Keras backbone.
        data: folder of the prepared TFDS data set.
        split: split of the data set.
        views: V, augmented views of each image.
        augmentation: random changes of every view; None: plain images.
        seed: seed of the views.
        turns: by how many angles each view is turned, see `EmbedChunk`; the table has V * turns.
        beam_args: options of the Beam runner.

    Returns:
        The number of images.

    Raises:
        UserError: if phi is for images of another size, or makes NaN or infinite features; names
            phi, split and class.
    """
    info = prepared.builder_of(data).info
    count = info.splits[split].num_examples
    network = keras_file.load(phi)
    _refuse_other_images(network, phi, info.features["image"].shape)
    folder.mkdir(parents=True)
    embed = EmbedChunk(
        phi=str(phi),
        data=str(data),
        split=split,
        views=views,
        augmentation=augmentation,
        seed=seed,
        turns=turns,
    )
    runner.write_records(
        folder / split, range(0, count, CHUNK), beam.ParDo(embed), beam_args=beam_args
    )
    gather(
        folder,
        examples=count,
        views=views * turns,
        dim=network.output_shape[-1],
        network=feature_network.network_name(network),
    )
    return count


def _refuse_other_images(network: keras.Model, phi: Path, image: tuple[int, int, int]) -> None:
    seen = network.input_shape[1:]
    if seen != image:
        raise UserError(
            f"{phi} is for images of {seen[0]} x {seen[1]} pixels, those of the data set have "
            f"{image[0]} x {image[1]}: choose weights that were trained on images as large."
        )
