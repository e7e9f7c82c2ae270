"""Steps of an experiment, each with one folder of a working directory, written once and whole.

A step writes into `FOLDER.part` and renames it to `FOLDER` when it is done, last of all its
`step.json`. So a folder with its final name is complete, whatever was killed when. In an object
store, which renames no folders, it writes into `FOLDER`, complete with `step.json`. A step whose
`step.json` matches the config is skipped; one that another config wrote, or that was made from
results which have since been made again, is refused, never replaced.
"""

import dataclasses
import hashlib
import importlib.metadata
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

import sib_tf
from sib_tf.base import machine, storage
from sib_tf.base.atomic import part_of, write_json
from sib_tf.base.errors import UserError
from sib_tf.base.sole_writer import sole_writer

RECORD = "step.json"
STARTED = "config.json"  # says what a folder is begun with, until it is finished
_LOG = logging.getLogger("sib_tf")
# Fields that came later, as what was written before had them.
_LATER = {"pretrain_precision": "float32", "hidden_units": None, "train_l2": None}
PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "apache-beam")


@dataclasses.dataclass(frozen=True)
class Context:
    """What a step is given to do its work.

    Attributes:
        config: of the experiment.
        workdir: its working directory, to read earlier steps from.
        base: that of the earlier steps which several experiments share; often the same.
        folder: to write into.
        beam_args: options of the Beam runner.
    """

    config: ConfigDict
    workdir: Path
    base: Path
    folder: Path
    beam_args: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Step:
    """One step: which folder it writes, what it reads, and the function that does the work.

    Attributes:
        name: of the job, as in `python -m jobs.NAME`.
        folder: its folder inside the working directory.
        fields: the config fields its result depends on, besides those of `requires`.
        requires: steps that must be finished first.
        run: does the work and returns counts for `step.json`.
        resumes: whether `run` can go on from what a killed run left in the folder.
        shared: whether several experiments can use its result, which then lies in their `base`.
        remote: whether `run` can write into an object store.
    """

    name: str
    folder: str
    fields: tuple[str, ...]
    requires: Sequence["Step"]
    run: Callable[[Context], dict[str, Any]]
    resumes: bool = False
    shared: bool = False
    remote: bool = False

    def all_fields(self) -> tuple[str, ...]:
        """Its own fields and those of every step before it."""
        inherited = (field for step in self.requires for field in step.all_fields())
        return tuple(sorted({*self.fields, *inherited}))


def execute(
    step: Step,
    config: ConfigDict,
    workdir: Path,
    base: Path | None = None,
    beam_args: Sequence[str] = (),
) -> bool:
    """Runs a step unless its result is there already.

    Args:
        step: to run.
        config: of the experiment.
        workdir: its working directory.
        base: the working directory of shared steps, if another.
        beam_args: options of the Beam runner.

    Returns:
        Whether it ran.

    Raises:
        UserError: an earlier step is not finished, or the folder was written with another config,
            from inputs made again since, by another program, or is being written right now; or it
            is in an object store and the step works on a disk.
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
        begun = {"config": settings(step.all_fields(), config), "inputs": inputs}
        part, runs = _open_part(step, final, begun)
        _LOG.info("%s: writing %s", step.name, final)
        start = time.perf_counter()
        folders = map(storage.absolute, (workdir, place.base, part))
        counts = _run(step, Context(config, *folders, beam_args))
        seconds = round(runs["seconds"] + time.perf_counter() - start, 2)
        record = {
            "step": step.name,
            "run": uuid.uuid4().hex,
            **begun,
            "fingerprint": fingerprint(begun["config"]),
            "packages": _packages(),
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


def assist(step: Step, config: ConfigDict, workdir: Path, base: Path | None = None) -> bool:
    """Runs a step, unless its result is there, beside the process that executes it.

    For the other workers of a training or a search: takes no lock, keeps no record, and leaves the
    folder to the process that executes the step. Arguments and result are those of `execute`.

    Raises:
        UserError: as `execute`, but for what is being written right now.
    """
    place = _Place(config, workdir, base or workdir)
    for earlier in step.requires:
        place.run_of(earlier)
    final = place.folder(step)
    if place.finished(step):
        _LOG.info("%s: %s is finished, nothing to do.", step.name, final)
        return False
    _run(step, Context(config, workdir, place.base, part_of(final)))
    _LOG.info("%s: done; the chief writes %s", step.name, final)
    return True


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where the results of an experiment lie, and which of them are there."""

    config: ConfigDict
    workdir: Path
    base: Path

    def folder(self, step: Step) -> Path:
        return (self.base if step.shared else self.workdir) / step.folder

    def run_of(self, step: Step) -> str:
        """Identifies the run that finished a step; raises UserError if none has."""
        record = self.finished(step)
        if not record:
            raise UserError(
                f"{self.folder(step)} is missing: run `python -m jobs.{step.name}` first, or "
                "`python -m jobs.pipeline`, with the same --config, --workdir and --base."
            )
        return _run_id(record)

    def finished(self, step: Step) -> dict[str, Any] | None:
        """The record of a finished step, None if it is not; raises UserError if it is stale."""
        folder = self.folder(step)
        whole = folder / RECORD if storage.is_remote(folder) else folder
        if not whole.exists():
            return None
        record = _read(folder / RECORD)
        refuse_other(folder, record["config"], settings(step.all_fields(), self.config))
        # An input that has been deleted to save space makes nothing stale.
        found = {s.folder: r for s in step.requires if (r := self.finished(s))}
        inputs = {name: _run_id(input_record) for name, input_record in found.items()}
        _refuse_other_inputs(folder, record["inputs"], inputs)
        return record


def _run_id(record: Mapping[str, Any]) -> str:
    # Steps finished before there were run ids are known by the fingerprint of their config.
    return record.get("run", record["fingerprint"])


def _packages() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"sib_tf": sib_tf.__version__, **versions}


def _run(step: Step, context: Context) -> dict[str, Any]:
    try:
        return step.run(context)
    except (OSError, tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
        # An OSError's text names the file, which may be one that was to be read.
        reason = (
            error.message if isinstance(error, tf.errors.OpError) else str(error) or repr(error)
        )
        raise UserError(
            f"{step.name} could not go on with {context.folder}: {reason.splitlines()[0]}. Make "
            "room or fix the permissions, then run the same command again."
        ) from error


def settings(fields: Sequence[str], config: ConfigDict) -> dict[str, Any]:
    """Some fields of a config, as they come back from JSON.

    Raises:
        UserError: the config lacks one.
    """
    return json.loads(json.dumps({field: _plain(config, field) for field in fields}))


def _plain(config: ConfigDict, field: str) -> Any:
    try:
        return config[field]
    except KeyError:
        raise UserError(f"The config has no field `{field}`: add it to the config file.") from None


def _open_part(step: Step, final: Path, begun: Mapping[str, Any]) -> tuple[Path, Mapping[str, Any]]:
    """The folder to write into: that of a killed run where the step can go on, else a new one.

    Returns:
        The folder, and `seconds` of the runs that it goes on from with the `machines` of all.
    """
    part = part_of(final)
    started = part / STARTED
    seconds, machines = 0.0, []
    # A run that was refused at its start has left nothing to go on from.
    if step.resumes and started.exists() and len(list(part.iterdir())) > 1:
        record = _read(started)
        refuse_other(part, record["config"], begun["config"])
        _refuse_other_inputs(part, record["inputs"], begun["inputs"])
        seconds = record.get("seconds", 0.0) + _seconds_alive(part)
        machines = record.get("machines", [])
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


def _read(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text())
        return {**record, "config": record["config"], "inputs": record["inputs"]}
    except (OSError, ValueError, TypeError, KeyError):
        raise UserError(
            f"{file.parent} exists but holds no readable {file.name}: move it away or pass another "
            "--workdir."
        ) from None


def _refuse_other_inputs(
    source: Path, written: Mapping[str, str], present: Mapping[str, str]
) -> None:
    # What was copied from published weights has no inputs.
    for folder in sorted(written.keys() & present.keys()):
        if written[folder] != present[folder]:
            raise UserError(
                f"{source} was made from an earlier {folder}: delete it, then run the same command "
                "again."
            )


def refuse_other(
    source: Path,
    written: Mapping[str, Any],
    wanted: Mapping[str, Any],
    remedy: str = "delete it or pass another --workdir",
) -> None:
    """Compares the settings that a folder was written with to those that are wanted.

    Args:
        source: what was written.
        written: its settings.
        wanted: some or all of the settings that it should have.
        remedy: what to do if it has not.

    Raises:
        UserError: one of the wanted fields differs or is missing; names it.
    """
    written = {**_LATER, **written}
    # The data set first: with another, most fields differ.
    for field in sorted(wanted, key=lambda field: (field != "dataset", field)):
        if field not in written or written[field] != wanted[field]:
            raise UserError(
                f"{source} was written with config.{field}={written.get(field)!r}, not "
                f"{wanted[field]!r}: {remedy}."
            )


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that change with any setting."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
