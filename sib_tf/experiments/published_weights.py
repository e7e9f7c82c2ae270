"""Weights of published results, in place of a training."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sib_tf.base import commands
from sib_tf.base.errors import UserError
from sib_tf.experiments import records
from sib_tf.experiments.report_files import REPORT
from sib_tf.experiments.step import Context, Step


def copied(step: Step, folder: Path) -> Step:
    """A step that takes its result from a folder of results, published with the same config.

    Args:
        step: a step that learns something.
        folder: folder of published results.

    Raises:
        UserError: if the folder lacks the file.
    """
    if not (folder / step.weights).exists():
        raise UserError(f"--weights={folder} holds no {step.weights}: name a folder of results.")
    return dataclasses.replace(
        step,
        reads=step.all_reads(),
        requires=(),
        run=_copy,
        resumes=False,
        remote=True,
    ).with_options(file=folder / step.weights, paths=step.all_reads())


def _copy(context: Context, file: Path, paths: tuple[str, ...]) -> dict[str, Any]:
    try:
        _refuse_other(context, file.with_name(REPORT), paths)
        (context.folder / file.name).write_bytes(file.read_bytes())
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"--weights: {file} cannot be used ({error!r}).") from error
    return {"copied_from": str(file)}


def _refuse_other(context: Context, report: Path, paths: tuple[str, ...]) -> None:
    if not report.exists():  # weights that were trained elsewhere have none
        return
    written = records.published_config(report)
    wanted = context.config.record(paths)
    _refuse_other_data(report, written, wanted)
    records.refuse_other(
        report,
        {**context.config.defaults(), **written},
        wanted,
        remedy="pass the --config of its `command`",
    )


def _refuse_other_data(report: Path, written: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuses weights for classes of another data set, for which no config would help."""
    trained, given = written.get("data.name"), wanted["data"]["name"]
    if trained != given:
        raise UserError(
            f"--weights={report.parent} are of a training on {trained}, and are evaluated on that "
            f"alone, not on {given}: leave out --weights to train. {commands.ready_model()}"
        )
