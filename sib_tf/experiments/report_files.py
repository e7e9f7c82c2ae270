"""The report of an evaluation as files for programs and for people."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sib_tf.base.atomic import write_json

REPORT = "report.json"


def write(folder: Path, content: Mapping[str, Any], table: str, title: str) -> None:
    """Writes `report.json` and `report.md`, and logs the table.

    Args:
        folder: folder of the evaluation.
        content: the report.
        table: its results, in Markdown.
        title: what the table shows.
    """
    write_json(folder / REPORT, content)
    (folder / "report.md").write_text(table + "\n")
    logging.getLogger("sib_tf").info("%s:\n%s", title, table)
