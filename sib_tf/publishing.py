"""Published results: what an experiment measured, all it takes to repeat it, and its weights."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sib_tf import pretraining, training
from sib_tf.errors import UserError
from sib_tf.workdir import RECORD, write_json, written_whole

REPORT = "report.json"


def publish(output: Path, *, workdir: Path, base: Path, command: str, weights: bool) -> None:
    """Copies the report of a finished experiment, and its weights, into a folder of results.

    Args:
        output: to write; must not exist. Gets `report.json`: that of `evaluate`, with `command`,
            `machine`, the `config` fields and `packages` that it depends on and `seconds` by job.
        workdir: of the experiment.
        base: of its shared steps.
        command: that runs the experiment.
        weights: whether to copy phi and the task model, for `jobs.pipeline --weights`.

    Raises:
        UserError: the experiment is not finished, or `output` exists.
    """
    evaluation = workdir / "evaluation"
    if not (evaluation / RECORD).exists():
        raise UserError(f"{evaluation} is missing: run `python -m jobs.pipeline` first.")
    record = _read(evaluation / RECORD)
    content = {
        "command": command,
        "machine": machine(),
        "seconds": _seconds(workdir, base),
        "packages": record["packages"],
        "config": record["config"],
        **_read(evaluation / REPORT),
    }
    with written_whole(output) as part:
        write_json(part / REPORT, content)
        if weights:
            shutil.copy(base / "backbone" / pretraining.BACKBONE, part)
            shutil.copy(workdir / "model" / training.MODEL, part)


def machine() -> str:
    """How many processors of which kind this machine has."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} x {next(models, 'unknown processor')}"


def _seconds(workdir: Path, base: Path) -> dict[str, float]:
    """Seconds of each job of the experiment, the sum of its steps."""
    seconds: dict[str, float] = {}
    for record in _records(workdir, base):
        seconds[record["step"]] = round(seconds.get(record["step"], 0) + record["seconds"], 1)
    return seconds


def _records(workdir: Path, base: Path) -> Iterator[dict[str, Any]]:
    shared, own = ("data", "backbone", "features/*"), ("episodes/*", "model", "evaluation")
    for folder, steps in ((base, shared), (workdir, own)):
        for step in steps:
            yield from (_read(file) for file in sorted(folder.glob(f"{step}/{RECORD}")))


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())
