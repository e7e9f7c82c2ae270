"""Published results: what an experiment measured, all it takes to repeat it, and its weights."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sib_tf.base import commands, machine
from sib_tf.base.atomic import write_json, written_whole
from sib_tf.base.errors import UserError
from sib_tf.experiments import records
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.records import RECORD
from sib_tf.experiments.report_files import REPORT
from sib_tf.experiments.step import Step


def publish(
    output: Path,
    *,
    workdir: Path,
    base: Path,
    config: Configuration,
    evaluate: Step,
    command: str,
    weights: Sequence[Path] = (),
) -> None:
    """Copies the report of a finished experiment, and its weights, into a folder of results.

    Args:
        output: folder to write; must not exist. Gets `report.json`: that of `evaluate`, with
            `command`, `machine` or machines that it was made on, the `config` and `packages` that
            it depends on and `seconds` by job.
        workdir: working directory of the experiment.
        base: working directory of its shared steps.
        config: config of the experiment, as `command` sets it.
        evaluate: the step that wrote the report.
        command: command that runs the experiment.
        weights: files to copy, see `families.weights`.

    Raises:
        UserError: if the experiment is not finished or was run with another config, or if
            `output` exists.
    """
    evaluation = workdir / evaluate.folder
    for needed in (evaluation / RECORD, *weights):
        if not needed.exists():
            raise UserError(f"{needed.parent} is missing: run {commands.job('pipeline')} first.")
    record = _read(evaluation / RECORD)
    wanted = config.record(evaluate.all_reads())
    written = {**config.defaults(), **records.read(evaluation / RECORD)["config"]}
    remedy = "pass the --config that it was run with"
    records.refuse_other(evaluation, written, wanted, remedy)
    finished = list(_records(workdir, base))
    content = {
        "command": command,
        "machine": _machines(finished),
        "seconds": _seconds(finished),
        "packages": record["packages"],
        "config": wanted,
        **_read(evaluation / REPORT),
    }
    with written_whole(output) as part:
        write_json(part / REPORT, content)
        for file in weights:
            shutil.copy(file, part)


def _machines(records: Iterable[Mapping[str, Any]]) -> str:
    """The machines that steps ran on; this one for those that do not say."""
    names = (name for record in records for name in record.get("machines", [machine.name()]))
    return ", ".join(dict.fromkeys(names))


def _seconds(records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds of each job of the experiment, the sum of its steps."""
    seconds: dict[str, float] = {}
    for record in records:
        seconds[record["step"]] = round(seconds.get(record["step"], 0) + record["seconds"], 1)
    return seconds


def _records(workdir: Path, base: Path) -> Iterator[dict[str, Any]]:
    shared, own = ("data", "backbone", "features/*"), ("episodes/*", "model", "evaluation")
    for folder, steps in ((base, shared), (workdir, own)):
        for step in steps:
            yield from (_read(file) for file in sorted(folder.glob(f"{step}/{RECORD}")))


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())
