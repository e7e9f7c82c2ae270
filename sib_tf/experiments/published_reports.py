"""The reports that `publishing.publish` has written, and pages with tables of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sib_tf.base.errors import UserError
from sib_tf.experiments import flat_configs
from sib_tf.experiments.report_files import REPORT

Report = Mapping[str, Any]

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def read(folder: Path, section: str, title: str) -> list[Report]:
    """The published reports of one kind of task under a folder, by path.

    Args:
        folder: folder with folders of results.
        section: name of a section that only configs of this kind have.
        title: what the tasks are called.

    Raises:
        UserError: if there is no such report.
    """
    reports = [json.loads(file.read_text()) for file in sorted(folder.rglob(REPORT))]
    found = [report for report in map(_in_sections, reports) if section in report["config"]]
    if not found:
        raise UserError(
            f"{folder} holds no {REPORT} of a {title}: publish one with `python -m jobs.publish`."
        )
    return found


def _in_sections(report: Report) -> Report:
    return {**report, "config": flat_configs.in_sections(report["config"])}


def replace_table(text: str, table: str) -> str:
    """A text with what is between its two marks replaced.

    Raises:
        UserError: if a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"--page: lacks the lines {BEGIN} and {END} around its table.")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"
