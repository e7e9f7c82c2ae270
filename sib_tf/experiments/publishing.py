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
    evaluations: Sequence[Step],
    command: str,
    weights: Sequence[Path] = (),
) -> None:
    """Copies the report of a finished experiment, and its weights, into a folder of results.

    Args:
        output: folder to write; must not exist. Gets `report.json`: that of the first evaluation,
            in it those of the others by the names of their folders, with `command`, `machine` or
            machines that they were made on, the `config` and `packages` that they depend on and
            `seconds` by job.
        workdir: working directory of the experiment.
        base: working directory of its shared steps.
        config: config of the experiment, as `command` sets it.
        evaluations: steps that wrote reports.
        command: command that runs the experiment.
        weights: files to copy, see `families.weights`.

    Raises:
        UserError: if the experiment has no report, is not finished or was run with another config,
            or if `output` exists.
    """
    if not evaluations:
        raise UserError("The experiment has no step with a report to publish.")
    folders = [workdir / step.folder for step in evaluations]
    for needed in (*(folder / RECORD for folder in folders), *weights):
        if not needed.exists():
            raise UserError(f"{needed.parent} is missing: run {commands.job('pipeline')} first.")
    for step, folder in zip(evaluations, folders, strict=True):
        _refuse_other(folder, config, step)
    finished = list(_records(workdir, base, evaluations))
    report, *others = (_read(folder / REPORT) for folder in folders)
    content = {
        "command": command,
        "machine": _machines(finished),
        "seconds": _seconds(finished),
        "packages": _read(folders[0] / RECORD)["packages"],
        "config": config.record({path for step in evaluations for path in step.all_reads()}),
        **report,
        **{step.folder: other for step, other in zip(evaluations[1:], others, strict=True)},
    }
    with written_whole(output) as part:
        write_json(part / REPORT, content)
        for file in weights:
            shutil.copy(file, part)


def _refuse_other(folder: Path, config: Configuration, step: Step) -> None:
    written = {**config.defaults(), **records.read(folder / RECORD)["config"]}
    remedy = "pass the --config that it was run with"
    records.refuse_other(folder, written, config.record(step.all_reads()), remedy)


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


def _records(workdir: Path, base: Path, evaluations: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """The records of the evaluations and of all steps that they need."""
    for folder, step in sorted(_needed(evaluations).items()):
        file = (base if step.shared else workdir) / folder / RECORD
        if file.exists():
            yield _read(file)


def _needed(steps: Iterable[Step]) -> dict[str, Step]:
    found = {}
    for step in steps:
        found |= {step.folder: step, **_needed(step.requires)}
    return found


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())
