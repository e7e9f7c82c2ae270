r"""The cost of each job as data sets grow, and on the engines of Beam.

    python -m benchmarks.scaling --images=200 --images=2000 --images=6667
    python -m benchmarks.scaling --images=400 --engine=Prism --engine=processes \
        --engine="job server" --engine=Dask

Runs the real jobs one after the other on glyphs of 32 pixels with Conv-4-64, in a process of their
own; then those on Beam on each engine. Prints the tables of docs/scaling.md. Run it on an idle
machine.

"seconds" are those of the work, with the start of workers but not of the program, the job server
and the worker pool. "MB of memory" is that of all processes together, these among them.
"""

import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from absl import app, flags

from benchmarks.engines import ENGINES, THIS_PROCESS
from benchmarks.process_tree import PeakMemory
from sib_tf.report import markdown

_IMAGES = flags.DEFINE_multi_integer("images", [67, 200, 400], "Images of each class.")
_ENGINES = flags.DEFINE_multi_enum("engine", [], list(ENGINES), "Engines besides this process.")

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
# Job -> the folder that it writes.
JOBS = {
    "build_dataset": "data",
    "build_episodes": "episodes",
    "pretrain": "backbone",
    "embed": "features",
    "train": "model",
    "evaluate": "evaluation",
}
HEADS = ("images", "job", "engine", "seconds", "images/s", "MB written", "MB of memory")
ON_BEAM = ("build_dataset", "build_episodes", "embed", "evaluate")


def main(argv: Sequence[str]) -> None:
    """Prints a row for each size, engine and job."""
    del argv
    for line in markdown.lines(HEADS, itertools.chain.from_iterable(map(costs, _IMAGES.value))):
        print(line, flush=True)


def costs(images_per_class: int) -> Iterator[Sequence[str]]:
    """Runs the jobs on a data set of this size; yields table rows."""
    images = f"{CLASSES * images_per_class:,}"
    with tempfile.TemporaryDirectory() as folder:
        workdir = Path(folder)
        for job in JOBS:
            yield images, job, THIS_PROCESS, *cost(job, images_per_class, workdir, THIS_PROCESS)
        for engine, job in itertools.product(_ENGINES.value, ON_BEAM):
            with without_result_of(job, workdir) as other:
                yield images, job, engine, *cost(job, images_per_class, other, engine)


@contextlib.contextmanager
def without_result_of(job: str, workdir: Path) -> Iterator[Path]:
    """A working directory in which this job has yet to run and what the others made is there."""
    with tempfile.TemporaryDirectory() as folder:
        for result in workdir.iterdir():
            if result.name != JOBS[job]:
                Path(folder, result.name).symlink_to(result)
        yield Path(folder)


def cost(job: str, images_per_class: int, workdir: Path, engine: str) -> Sequence[str]:
    """Runs a job; returns its costs as table cells."""
    command = [sys.executable, "-m", f"jobs.{job}", *CONFIG, f"--workdir={workdir}"]
    command += [f"--config.data.images_per_class={images_per_class}"]
    with PeakMemory() as memory, ENGINES[engine]() as options:
        run([*command, "--", *options])
    written = [file for file in (workdir / JOBS[job]).rglob("*") if file.is_file()]
    records = [json.loads(file.read_text()) for file in written if file.name == "step.json"]
    seconds = sum(record["seconds"] for record in records)
    size = sum(file.stat().st_size for file in written)
    rate = CLASSES * images_per_class / seconds
    return f"{seconds:.1f}", f"{rate:,.0f}", f"{size / 1e6:.1f}", f"{memory.most / 1e6:.0f}"


def run(command: Sequence[str]) -> None:
    """Runs a program, without a word."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[2]}: {done.stdout.splitlines()[-1]}")


if __name__ == "__main__":
    app.run(main)
