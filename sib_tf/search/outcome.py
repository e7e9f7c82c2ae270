"""What a search has found: a table of its trials, and the best config."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict

from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.report import wording
from sib_tf.report.markdown import table
from sib_tf.search import config_source, space
from sib_tf.search.tuner import OBJECTIVE, Row

CONFIG = "best.py"


def write(folder: Path, rows: Sequence[Row], config: ConfigDict, epochs: int) -> dict:
    """Writes `trials.json`, `trials.md` and, for `--config=`, `best.py`.

    Args:
        folder: folder to write into.
        rows: rows of all trials, and that of the config as it is.
        config: config that the search varied.
        epochs: epochs of a whole training; a trial with fewer cannot be the best.

    Returns:
        `trials` and the best `val_accuracy`.

    Raises:
        UserError: if training diverged in every trial.
    """
    measured = [row for row in rows if row.metrics]
    whole = [row for row in measured if row.epochs == epochs]
    if not whole:
        raise UserError(
            "Training has diverged in every trial: lower step_size and learning_rate in --space."
        )
    ordered = sorted(measured, key=_accuracy, reverse=True)
    ordered += [row for row in rows if not row.metrics]
    best = max(whole, key=_accuracy)
    write_json(folder / "trials.json", [dataclasses.asdict(row) for row in ordered])
    (folder / "trials.md").write_text(_table(ordered) + "\n")
    found = f"Found by `jobs.tune`, trial {best.name}: {_percent(best)} % of validation queries."
    text = config_source.source(space.with_values(config, best.values), found)
    (folder / CONFIG).write_text(text)
    return {"trials": len(rows), OBJECTIVE: _accuracy(best)}


def _accuracy(row: Row) -> float:
    return row.metrics[OBJECTIVE]


def _table(rows: Sequence[Row]) -> str:
    fields = list(dict.fromkeys(name for row in rows for name in row.values))
    heads = ["trial", *fields, "epochs", "validation accuracy, %", "seconds"]
    return table(heads, (_cells(row, fields) for row in rows))


def _cells(row: Row, fields: Sequence[str]) -> list[str]:
    seconds = f"{row.metrics['seconds']:.0f}" if row.metrics else ""
    values = [_short(row.values.get(field)) for field in fields]
    return [row.name, *values, str(row.epochs), _percent(row), seconds]


def _percent(row: Row) -> str:
    if not row.metrics:
        return "diverged"
    return wording.percent_interval(_accuracy(row), row.metrics["ci95"])


def _short(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
