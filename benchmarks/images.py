"""Images per second of pre-training and of `embed`, compared with the bare Keras step.

    python -m benchmarks.images

Uses the settings of `configs/cifar_fs.py` and `configs/mini_imagenet.py`: Conv-4-64 on stored
images of 32 and of 84 pixels, the latter cropped to the centre 80. `embed` takes ten looks at each
image: shifted and mirrored copies. "Bare" is the same model, with the same looks, on one batch that
is already in memory; the difference is the cost of reading, augmenting and, for `embed`, writing.
Images are noise. Run it on an idle machine.
"""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import app, flags
from PIL import Image

from configs import cifar_fs, mini_imagenet
from sib_tf.backbones import feature_network
from sib_tf.beam import runner
from sib_tf.datasets.class_folders import Builder, ClassFoldersConfig
from sib_tf.experiments import families
from sib_tf.features import embedding
from sib_tf.training import pretraining
from sib_tf.training.image_batches import training_batches
from sib_tf.training.input_pipeline import function_of_step
from sib_tf.training.pretraining_settings import PretrainingSettings

_RUNS = flags.DEFINE_integer("runs", 5, "Timed runs of each kind, interleaved.", 1)
# A run takes seconds at either size, so that the second that `embed` takes to start hardly counts.
_IMAGES = flags.DEFINE_integer(
    "images", 3000, "Images of 84 pixels; those of 32 have as many pixels in total.", 500
)
_CONFIGS = {32: cifar_fs, 84: mini_imagenet}  # by the size of stored images


def settings_for(size: int) -> PretrainingSettings:
    """Settings of the config for images of this size, with a warm-up shorter than a timed run."""
    settings = families.read(_CONFIGS[size].get_config()).phi
    return dataclasses.replace(settings, warmup_steps=1)


def in_turns(runs: dict[str, Callable[[], int]]) -> dict[str, float]:
    """Median images per second of each run; a run returns the number of its images."""
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(_RUNS.value):
        for name, run in runs.items():
            start = time.perf_counter()
            count = run()
            rates[name].append(count / (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in rates.items()}


def pretraining_rates(images: np.ndarray) -> dict[str, float]:
    """Images per second of `fit` on real batches and on one constant batch."""
    settings = settings_for(images.shape[1])
    labels = np.arange(len(images)) % 64
    model = pretraining.compiled(settings, images, 64)
    real = training_batches(
        images,
        labels,
        batch_size=settings.batch_size,
        augmentation=settings.augmentation(images.shape[1]),
        seed=0,
    )
    batch = next(iter(real))
    ready = function_of_step(lambda step: batch, first=0, parallel=1)
    steps = len(images) // settings.batch_size

    def fit(batches: tf.data.Dataset) -> int:
        model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
        return steps * settings.batch_size

    return in_turns({"bare": lambda: fit(ready), "pretrain": lambda: fit(real)})


def embedding_rates(images: np.ndarray, folder: Path) -> dict[str, float]:
    """Images per second of embedding a prepared data set and of forward passes on one batch."""
    settings = settings_for(images.shape[1])
    phi = feature_network.averaged(
        pretraining.compiled(settings, images, 64).phi,
        shift=settings.average_shift,
        mirror=settings.flip,
    )
    phi.save(folder / "phi.keras")
    forward = tf.function(lambda batch: phi(batch, training=False))
    batch = tf.constant(images[: embedding.BATCH], tf.float32)
    data = prepare(images, folder)
    written = iter(range(10**6))

    def bare() -> int:
        batches = len(images) // embedding.BATCH
        for _ in range(batches):
            forward(batch)
        return batches * embedding.BATCH

    def embed() -> int:
        return embedding.write(
            folder / f"features{next(written)}",
            phi=folder / "phi.keras",
            data=data,
            split="train",
        )

    return in_turns({"bare": bare, "embed": embed})


def prepare(images: np.ndarray, folder: Path) -> Path:
    """Prepares a data set with nearly all images in the training split; returns its folder."""
    for split, chosen in (("train", images), ("validation", images[:1]), ("test", images[:1])):
        (folder / "raw" / split).mkdir(parents=True)
        for n, image in enumerate(chosen):
            Image.fromarray(image).save(folder / "raw" / split / f"{n}.png")
    lists = {f"{split}_classes": (split,) for split in ("train", "validation", "test")}
    config = ClassFoldersConfig(root=str(folder / "raw"), image_size=images.shape[1], **lists)
    builder = Builder(config=config, data_dir=folder / "data")
    download = tfds.download.DownloadConfig(beam_options=runner.options([]))
    builder.download_and_prepare(download_config=download)
    return Path(builder.data_dir)


def main(argv: Sequence[str]) -> None:
    """Prints a line for each size and job."""
    del argv
    for size in _CONFIGS:
        rng = np.random.default_rng(0)
        number = _IMAGES.value * max(_CONFIGS) ** 2 // size**2
        images = rng.integers(0, 256, (number, size, size, 3), np.uint8)
        with tempfile.TemporaryDirectory() as folder:
            for rates in (pretraining_rates(images), embedding_rates(images, Path(folder))):
                (bare, job) = rates.items()
                print(
                    f"{size} px, {job[0]}: {job[1]:,.0f} images a second, bare {bare[1]:,.0f} "
                    f"({100 * (bare[1] / job[1] - 1):.0f} % overhead)"
                )


if __name__ == "__main__":
    app.run(main)
