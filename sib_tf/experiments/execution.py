"""Runs steps, each with one folder of a working directory, written once and whole.

A step writes into `FOLDER.part` and renames it to `FOLDER` when it is done, last of all its
`step.json`. So a folder with its final name is complete, whatever was killed when. In an object
store, which renames no folders, it writes into `FOLDER`, complete with `step.json`. A step whose
`step.json` matches the config is skipped; one that another config wrote, or that was made from
results which have since been made again, is refused, never replaced.
"""

import dataclasses
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from sib_tf.base import commands, machine, storage
from sib_tf.base.atomic import PARTIAL, part_of, write_json
from sib_tf.base.errors import UserError, first_line
from sib_tf.base.sole_writer import sole_writer
from sib_tf.experiments import records
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.records import RECORD
from sib_tf.experiments.step import Context, Step

STARTED = "config.json"  # says what a folder is begun with, until it is finished
_LOG = logging.getLogger("sib_tf")


def execute_all(
    steps: Sequence[Step],
    config: Configuration,
    workdir: Path,
    base: Path | None = None,
    beam_args: Sequence[str] = (),
) -> list[Step]:
    """Runs those of several steps whose results are not there yet, in their order.

    Says before each which one of how many it is. Arguments and errors are those of `execute`.

    Returns:
        The other steps, which did not run.
    """
    skipped = []
    for number, step in enumerate(steps, start=1):
        if len(steps) > 1:
            _LOG.info("%d of %d: %s", number, len(steps), step.name)
        if not execute(step, config, workdir, base, beam_args):
            skipped.append(step)
    return skipped


def execute(
    step: Step,
    config: Configuration,
    workdir: Path,
    base: Path | None = None,
    beam_args: Sequence[str] = (),
) -> bool:
    """Runs a step unless its result is there already.

    Args:
        step: the step.
        config: config of the experiment.
        workdir: working directory of the experiment.
        base: working directory of shared steps; defaults to `workdir`.
        beam_args: options of the Beam runner.

    Returns:
        Whether it ran.

    Raises:
        UserError: if an earlier step is not finished; if the folder was written with another
            config, from inputs made again since, by another program, or is being written right now;
            or if it is in an object store and the step works on a disk.
    """
    place = _Place(config, workdir, base or workdir)
    inputs = {earlier.folder: place.run_of(earlier) for earlier in step.requires}
    final = place.folder(step)
    if place.finished(step):
        _LOG.info("%s: %s is finished, nothing to do.", step.name, final)
        return False
    if storage.is_remote(final) and not step.remote:
        raise UserError(
            f"{step.name} cannot write {final}, it works on a disk: run it with a --workdir there, "
            "then copy its folder."
        )
    with sole_writer(final):
        # It may have been finished while we came to the lock.
        if place.finished(step):
            return False
        begun = {"config": config.record(step.all_reads()), "inputs": inputs}
        part, runs = _open_part(step, final, begun, config.defaults())
        _LOG.info("%s: writing %s", step.name, final)
        start = time.perf_counter()
        folders = map(storage.absolute, (workdir, place.base, part))
        counts = _run(step, Context(_visible(step, config), *folders, beam_args))
        seconds = round(runs["seconds"] + time.perf_counter() - start, 2)
        record = {
            "step": step.name,
            "run": uuid.uuid4().hex,
            **begun,
            "fingerprint": records.fingerprint(begun["config"]),
            "packages": records.packages(),
            "machines": runs["machines"],
            "seconds": seconds,
            "counts": counts,
        }
        write_json(part / RECORD, record)
        if part != final:
            part.rename(final)
        # Only now: a folder that is killed before it has its name must know how it began.
        (final / STARTED).unlink()
    _LOG.info("%s: done in %.1f s %s", step.name, seconds, counts)
    return True


def assist(step: Step, config: Configuration, workdir: Path, base: Path | None = None) -> bool:
    """Runs a step, unless its result is there, beside the process that executes it.

    For the other workers of a training or a search: takes no lock, keeps no record, and leaves the
    folder to the process that executes the step. Arguments and result are those of `execute`.

    Raises:
        UserError: in the cases of `execute`, except that the folder may be written right now.
    """
    place = _Place(config, workdir, base or workdir)
    for earlier in step.requires:
        place.run_of(earlier)
    final = place.folder(step)
    if place.finished(step):
        _LOG.info("%s: %s is finished, nothing to do.", step.name, final)
        return False
    folders = map(storage.absolute, (workdir, place.base, part_of(final)))
    _run(step, Context(_visible(step, config), *folders))
    _LOG.info("%s: done; the chief writes %s", step.name, final)
    return True


def _visible(step: Step, config: Configuration) -> Configuration:
    """What a step may look at: a result that depends on more would be reused when it is stale."""
    return config.only((*step.all_reads(), *step.consults))


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where the results of an experiment lie, and which of them are there."""

    config: Configuration
    workdir: Path
    base: Path

    def folder(self, step: Step) -> Path:
        return (self.base if step.shared else self.workdir) / step.folder

    def run_of(self, step: Step) -> str:
        """Identifies the run that finished a step; raises UserError if none has."""
        record = self.finished(step)
        if not record:
            raise UserError(
                f"{self.folder(step)} is missing: run {commands.job(step.name)} first, or "
                f"{commands.job('pipeline')}, with the same --config, --workdir and --base."
            )
        return records.run_id(record)

    def finished(self, step: Step) -> dict[str, Any] | None:
        """The record of a finished step, None if it is not; raises UserError if it is stale."""
        folder = self.folder(step)
        whole = folder / RECORD if storage.is_remote(folder) else folder
        if not whole.exists():
            return None
        record = records.read(folder / RECORD)
        written = {**self.config.defaults(), **record["config"]}
        records.refuse_other(folder, written, self.config.record(step.all_reads()))
        # An input that has been deleted to save space makes nothing stale.
        found = {s.folder: r for s in step.requires if (r := self.finished(s))}
        inputs = {name: records.run_id(input_record) for name, input_record in found.items()}
        records.refuse_other_inputs(folder, record["inputs"], inputs)
        return record


def _run(step: Step, context: Context) -> dict[str, Any]:
    try:
        return step.run(context)
    except (OSError, tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
        # An OSError's text names the file, which may be one that was to be read.
        raise UserError(
            f"{step.name} could not go on with {context.folder}: {first_line(error)}. Make "
            "room or fix the permissions, then run the same command again."
        ) from error


def _open_part(
    step: Step, final: Path, begun: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[Path, Mapping[str, Any]]:
    """The folder to write into: that of a killed run where the step can go on, else a new one.

    Returns:
        The folder, and `seconds` of the runs that it goes on from with the `machines` of all.
    """
    part = part_of(final)
    started = part / STARTED
    seconds, machines = 0.0, []
    # A run that was refused at its start has left nothing to go on from.
    if step.resumes and started.exists() and len(list(part.iterdir())) > 1:
        record = records.read(started)
        records.refuse_other(part, {**defaults, **record["config"]}, begun["config"])
        records.refuse_other_inputs(part, record["inputs"], begun["inputs"])
        seconds = record.get("seconds", 0.0) + _seconds_alive(part)
        machines = record.get("machines", [])
        for half_written in part.rglob(f"{PARTIAL}*"):
            half_written.unlink()
    else:
        if part.exists():
            storage.remove(part)
        part.mkdir()
    runs = {"seconds": seconds, "machines": [*dict.fromkeys([*machines, machine.name()])]}
    write_json(started, {**begun, **runs})
    return part, runs


def _seconds_alive(part: Path) -> float:
    """How long the last run wrote into a folder; what it did after its last file is lost anyway."""
    newest = max(file.stat().st_mtime for file in part.rglob("*"))
    return newest - (part / STARTED).stat().st_mtime
