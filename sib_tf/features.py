"""Features: the frozen backbone phi over a whole data set, stored once and read many times.

Augmentation comes before phi, so the cache of a training split can hold V augmented *views* of each
image, of which meta-training draws one per use; other splits hold one plain view. A record is a
`tf.train.Example` of one image:

    feature    type           content
    id         int64 [1]      position of the image in its split
    label      int64 [1]      label in the data set
    features   float [V*D]    view after view
    views      int64 [1]      V
"""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import tensorflow as tf

# A worker in another process imports this file alone; Keras must know the layers of phi to load it.
import sib_tf.backbones  # noqa: F401
from sib_tf import beam_runner, datasets, keras_file
from sib_tf.augmentation import NUM_DRAWS, Augmentation
from sib_tf.counters import counter
from sib_tf.errors import UserError
from sib_tf.records import parsed_batches, record_files, serialize
from sib_tf.workdir import write_json

BATCH = 500  # images of one forward pass; fixed, for the draws of their views are made together
# Images of one Beam element, in full batches. More would leave workers idle at the end of a small
# split; for each, opening the data set takes as long as embedding some 80 images ten times.
CHUNK = 8 * BATCH
INFO = "info.json"
_NO_LABEL = -1


@dataclasses.dataclass(frozen=True)
class FeatureTable:
    """Features of a split, by the position of the image.

    Attributes:
        features: float32 [V, n, D].
        labels: int64 [n].
    """

    features: np.ndarray
    labels: np.ndarray


class EmbedChunk(beam.DoFn):
    """Chunks of images, by their first position, to feature records (bytes).

    Made of plain values only, so that any runner can ship it.

    Args:
        phi: file of the saved Keras backbone, uint8 or float [B, H, W, 3] to [B, D].
        data: folder of the prepared TFDS data set.
        split: of the data set.
        views: V.
        augmentation: of every view, or None for plain images (then V = 1).
        seed: of the views.
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
    ) -> None:
        self._phi_file, self._data, self._split = phi, data, split
        self._views, self._augmentation, self._seed = views, augmentation, seed

    def setup(self) -> None:
        """Loads the backbone, once on each worker."""
        self._builder = datasets.builder_of(self._data)
        phi = keras_file.load(self._phi_file)
        images = tf.TensorSpec((None, *phi.input_shape[1:]))
        self._phi = tf.function(lambda batch: phi(batch, training=False), input_signature=[images])

    def process(self, start: int) -> Iterator[bytes]:
        """Embeds the chunk that begins at `start`.

        Raises:
            UserError: phi makes NaN or infinite features; names phi, split and class.
        """
        end = min(start + CHUNK, self._builder.info.splits[self._split].num_examples)
        batches = datasets.examples(self._builder, f"{self._split}[{start}:{end}]", BATCH)
        for first, (images, labels) in zip(itertools.count(start, BATCH), batches, strict=False):
            views = [self._phi(self._view(images, first, v)) for v in range(self._views)]
            features = np.stack(views, axis=1)
            self._refuse_not_finite(features, labels, first)
            for position, (label, row) in enumerate(zip(labels, features, strict=True), first):
                yield _encode(position, label, row)
            counter("images").inc(len(images))

    def _refuse_not_finite(self, features: np.ndarray, labels: np.ndarray, start: int) -> None:
        bad = _not_finite(features, axes=(1, 2))
        if len(bad):
            name = datasets.class_names(self._builder)[labels[bad[0]]]
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


def _not_finite(features: np.ndarray, axes: tuple[int, int]) -> np.ndarray:
    """Positions of the images with a NaN or infinite feature; `axes` are those of views and D."""
    return np.flatnonzero(~np.isfinite(features).all(axis=axes))


def _encode(position: int, label: int, features: np.ndarray) -> bytes:
    """One record; `features` is [V, D]."""
    ints = {"id": [position], "label": [label], "views": [len(features)]}
    return serialize(ints, {"features": features})


def write(
    folder: Path,
    *,
    phi: Path,
    data: Path,
    split: str,
    views: int = 1,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    beam_args: Sequence[str] = (),
) -> int:
    """Embeds a split of a data set into `folder`.

    Args:
        folder: to write, sharded TFRecords and an `info.json` with the shape of the table.
        phi: file of the saved Keras backbone.
        data: folder of the prepared TFDS data set.
        split: of the data set.
        views: V, augmented views of each image.
        augmentation: of every view, or None for plain images.
        seed: of the views.
        beam_args: options of the Beam runner.

    Returns:
        The number of images.

    Raises:
        UserError: phi is for images of another size, or makes NaN or infinite features; names phi,
            split and class.
    """
    info = datasets.builder_of(data).info
    count = info.splits[split].num_examples
    network = keras_file.load(phi)
    _refuse_other_images(network, phi, info.features["image"].shape)
    folder.mkdir(parents=True)
    embed = EmbedChunk(
        phi=str(phi), data=str(data), split=split, views=views, augmentation=augmentation, seed=seed
    )
    beam_runner.write_records(
        folder / split, range(0, count, CHUNK), beam.ParDo(embed), beam_args=beam_args
    )
    write_json(folder / INFO, {"examples": count, "views": views, "dim": network.output_shape[-1]})
    return count


def _refuse_other_images(network: keras.Model, phi: Path, image: tuple[int, int, int]) -> None:
    seen = network.input_shape[1:]
    if seen != image:
        raise UserError(
            f"{phi} is for images of {seen[0]} x {seen[1]} pixels, those of the data set have "
            f"{image[0]} x {image[1]}: choose weights that were trained on images as large."
        )


def read(folder: Path) -> FeatureTable:
    """Loads the features of a split.

    Raises:
        UserError: records are missing, truncated, of another kind, or hold NaN or infinite
            features; names the file or folder.
    """
    try:
        info = json.loads((folder / INFO).read_text())
        views, count, dim = info["views"], info["examples"], info["dim"]
    except (OSError, ValueError, KeyError):
        raise UserError(f"{folder} holds no features: run `python -m jobs.embed` first.") from None
    again = f"delete {folder.parent} and run `python -m jobs.embed` again."
    features = np.zeros((views, count, dim), np.float32)
    labels = np.full(count, _NO_LABEL, np.int64)
    parse = _parser(views * dim)
    for batch in parsed_batches(record_files(folder), parse, batch_size=1000):
        ids = batch["id"].numpy()
        if not ((ids >= 0) & (ids < count)).all():
            raise UserError(f"{folder} holds images beyond its {count}, of another split: {again}")
        labels[ids] = batch["label"]
        features[:, ids] = np.moveaxis(np.reshape(batch["features"], (-1, views, dim)), 1, 0)
    missing, bad = np.flatnonzero(labels == _NO_LABEL), _not_finite(features, axes=(0, 2))
    if len(missing):
        raise UserError(f"{folder}: the features of image {missing[0]} are missing: {again}")
    if len(bad):
        raise UserError(
            f"{folder}: the features of image {bad[0]}, label {labels[bad[0]]}, are NaN or "
            f"infinite: {again}"
        )
    return FeatureTable(features, labels)


def _parser(size: int) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    spec = {
        "id": tf.io.FixedLenFeature([], tf.int64),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "features": tf.io.FixedLenFeature([size], tf.float32),
    }
    return lambda records: tf.io.parse_example(records, spec)
