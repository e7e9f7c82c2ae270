"""Images per second of `jobs.predict`, compared with decoding and the bare network.

    python -m benchmarks.predict

The ready model (EfficientNet-Lite0 at 160 pixels; an image and its mirror image) classifies JPEG
files of 0.2 and of 12 megapixels, given 5 of each of 7 classes. "Decoding" is reading the same
files at that size, in as many threads as there are cores, and "network" is a forward pass of phi on
as many images in memory; "both" is one after the other. `predict` does them at once, and besides
writes thumbnails, table and page and classifies the support by leave-one-out. Memory is the most
that the process holds less what it held before. The files are links to a few. Run it on an idle
Linux machine.
"""

import itertools
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags
from PIL import Image

from benchmarks.memory import forget_the_most, memory_mib
from benchmarks.ready_model import export_ready_model
from sib_tf.datasets.images import list_images, read_rgb
from sib_tf.report import markdown
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict.prediction import classify_folder

_FILES = flags.DEFINE_integer("files", 1000, "Files to classify.", 1)
_RUNS = flags.DEFINE_integer("runs", 3, "Timed runs of each kind, interleaved.", 1)

WAY, SHOT, DISTINCT = 7, 5, 8
BATCH = 32  # images of a forward pass, as in `predict`
SIZES = {"0.2": (375, 500), "12": (3000, 4000)}  # megapixels: height and width
_HEADS = ("megapixels", "predict, images/s", "decoding", "network", "both", "ratio", "MiB")


def photograph(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """An image with the spectrum of photographs: noise at every scale, the finer the weaker."""
    height, width = size
    pixels = np.full((height, width, 3), 128.0)
    for octave in range(2, 9):
        noise = rng.normal(size=(2**octave, 2**octave, 3)) * 2.0 ** (6 - octave)
        pixels += tf.image.resize(noise, size, "bicubic").numpy()
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def lay_out(folder: Path, size: tuple[int, int], files: int) -> None:
    """Writes support/CLASS/ and query/ into a folder."""
    rng, distinct = np.random.default_rng(0), []
    for number in range(DISTINCT):
        distinct.append(folder / f"{number}.jpg")
        photograph(rng, size).save(distinct[-1], quality=90)
    source = itertools.cycle(distinct)
    for label, number in itertools.product(range(WAY), range(SHOT)):
        (folder / f"support/{label}").mkdir(parents=True, exist_ok=True)
        os.link(next(source), folder / f"support/{label}/{number}.jpg")
    (folder / "query").mkdir()
    for number in range(files):
        os.link(next(source), folder / f"query/{number}.jpg")


def seconds(run: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(folder: Path, files: int, runs: int) -> tuple[float, float, float, float]:
    """Median seconds of `predict`, of decoding and of the network, and the memory of `predict`."""
    model = ExportedModel(folder / "model")
    images = list_images(folder / "query")
    batch = np.stack([read_rgb(file, model.image_size) for file in images[:BATCH]])
    model.features(batch)
    forget_the_most()
    before = memory_mib("VmRSS")

    def predict() -> None:
        classify_folder(model, folder / "support", folder / "query", folder / "answers")

    def decode() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for _ in threads.map(partial(read_rgb, size=model.image_size), images):
                pass

    def network() -> None:
        for _ in range(files // BATCH):
            model.features(batch)

    predict()
    memory = memory_mib("VmHWM") - before
    times = [[seconds(run) for run in (predict, decode, network)] for _ in range(runs)]
    return (*map(statistics.median, zip(*times, strict=True)), memory)


def rows() -> Iterator[list[str]]:
    """A row for each size of image, measured in a process of its own."""
    files, context = _FILES.value, multiprocessing.get_context("spawn")
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as folder, context.Pool(1) as pool:
            lay_out(Path(folder), size, files)
            export_ready_model(Path(folder) / "model" / "1")
            *times, memory = pool.apply(measure, (Path(folder), files, _RUNS.value))
            predict, decode, network = (files / time for time in times)
            both = files / (times[1] + times[2])
            rates = [f"{rate:,.0f}" for rate in (predict, decode, network, both)]
            yield [name, *rates, f"{predict / both:.2f}", f"{memory:,.0f}"]


def main(argv: Sequence[str]) -> None:
    """Prints a table."""
    del argv
    for line in markdown.lines(_HEADS, rows()):
        print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
