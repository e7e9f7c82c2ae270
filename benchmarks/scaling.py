r"""The cost of each job as data sets grow: seconds, images per second, bytes and memory.

    python -m benchmarks.scaling

Runs the real jobs one after the other on glyphs of 32 pixels with Conv-4-64, those on Beam with one
and with two worker processes. Prints the table of docs/scaling.md. Run it on an idle machine.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from absl import app, flags

from sib_tf.report import markdown

_IMAGES = flags.DEFINE_multi_integer("images", [67, 200, 400], "Images of each class.")
_WORKERS = flags.DEFINE_multi_integer("workers", [1, 2], "Beam workers.")

CLASSES = 150
CONFIG = (
    "--config=configs/glyphs.py:tiny",
    "--config.data.classes=(96,24,30)",
    "--config.phi.backbone=conv4_64",
    "--config.phi.epochs=1",
    "--config.phi.learning_rate=0.1",
    "--config.phi.warmup_steps=10",
    "--config.features.views=1",
    "--config.meta.train_episodes=5000",
    "--config.meta.validation_episodes=600",
    "--config.meta.steps_per_epoch=500",
    "--config.eval.episodes=2000",
    "--config.eval.num_steps=5",
    "--config.episodes.queries_per_class=5",  # the smallest data set allows no more
)
# Job -> the folders that it writes.
JOBS = {
    "build_dataset": ["data"],
    "build_episodes": ["episodes/train-balanced", "episodes/validation-balanced"],
    "pretrain": ["backbone"],
    "embed": ["features/train", "features/validation", "features/test"],
    "train": ["model"],
    "evaluate": ["evaluation"],
}
HEADS = ("images", "job", "workers", "seconds", "images/s", "MB written", "MB of memory")
ON_BEAM = ("build_dataset", "build_episodes", "embed")


def main(argv: Sequence[str]) -> None:
    """Prints a row for each job, size and number of workers."""
    del argv
    rows = (
        [f"{CLASSES * images_per_class:,}", job, str(workers), *cells]
        for images_per_class in _IMAGES.value
        for workers in _WORKERS.value
        for job, cells in costs(images_per_class, workers)
        if job in ON_BEAM or workers == _WORKERS.value[0]
    )
    for line in markdown.lines(HEADS, rows):
        print(line, flush=True)


def costs(images_per_class: int, workers: int) -> Iterator[tuple[str, Sequence[str]]]:
    """Runs the jobs on a data set of this size; yields each with the rest of its table row."""
    beam = []
    if workers > 1:
        beam = ["--", f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]
    with tempfile.TemporaryDirectory() as folder:
        for job in JOBS:
            yield job, cost(job, images_per_class, Path(folder), beam if job in ON_BEAM else [])


def cost(job: str, images_per_class: int, folder: Path, beam: Sequence[str]) -> Sequence[str]:
    """Runs a job; returns its costs as table cells, without the start of the program."""
    command = [sys.executable, "-m", f"jobs.{job}", *CONFIG, f"--workdir={folder}"]
    command += [f"--config.data.images_per_class={images_per_class}", *beam]
    printed = folder / "printed.txt"
    with printed.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{job}: {printed.read_text().splitlines()[-1]}")
    written = [folder / name for name in JOBS[job]]
    records = [json.loads((result / "step.json").read_text()) for result in written]
    seconds = sum(record["seconds"] for record in records)
    size = sum(file.stat().st_size for result in written for file in result.rglob("*"))
    memory = usage.ru_maxrss * 1024  # Linux reports KiB
    rate = CLASSES * images_per_class / seconds
    return f"{seconds:.1f}", f"{rate:,.0f}", f"{size / 1e6:.1f}", f"{memory / 1e6:.0f}"


if __name__ == "__main__":
    app.run(main)
