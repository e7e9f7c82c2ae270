"""What a finished step leaves behind in `step.json`: what it was made with, and from what."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sib_tf
from sib_tf.base.errors import UserError
from sib_tf.experiments import flat_configs
from sib_tf.experiments.configuration import flattened

RECORD = "step.json"
PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "apache-beam")
_FIRST = "data.name"  # with another one, most fields differ


def read(file: Path) -> dict[str, Any]:
    """The record in a file.

    Returns:
        Its content, with the fields of `config` by their paths ("phi.epochs").

    Raises:
        UserError: if there is no readable record; names the folder.
    """
    try:
        record = json.loads(file.read_text())
        config = dict(flattened(flat_configs.in_sections(record["config"])))
        return {**record, "config": config, "inputs": record["inputs"]}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise UserError(
            f"{file.parent} exists but holds no readable {file.name}: move it away or pass another "
            "--workdir."
        ) from None


def run_id(record: Mapping[str, Any]) -> str:
    """Identifies the run that wrote a record."""
    # Steps finished before there were run ids are known by the fingerprint of their config.
    return record.get("run", record["fingerprint"])


def packages() -> dict[str, str]:
    """Versions of the packages that results depend on, by name."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"sib_tf": sib_tf.__version__, **versions}


def fingerprint(record: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that change with any field of a config."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12]


def refuse_other_inputs(
    source: Path, written: Mapping[str, str], present: Mapping[str, str]
) -> None:
    """Refuses a result that was made from inputs which have since been made again.

    Args:
        source: folder of the result.
        written: run id of each input of the result, by its folder. What was copied from published
            weights has none.
        present: run id of each input that is there now, by its folder.

    Raises:
        UserError: if two ids of an input differ; names the input.
    """
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
    """Refuses a result of another config.

    Args:
        source: what was written.
        written: fields that it was written with, by path.
        wanted: fields that it should have been written with, nested.
        remedy: what to do.

    Raises:
        UserError: if a wanted field differs or is missing; names it.
    """
    fields = dict(flattened(wanted))
    for path in sorted(fields, key=lambda path: (path != _FIRST, path)):
        if path not in written or written[path] != fields[path]:
            raise UserError(
                f"{source} was written with config.{path}={written.get(path)!r}, not "
                f"{fields[path]!r}: {remedy}."
            )


def published_config(report: Path) -> dict[str, Any]:
    """The config of a published report, its fields by their paths.

    Raises:
        ValueError, KeyError: if the file is not a published report.
    """
    return dict(flattened(flat_configs.in_sections(json.loads(report.read_text())["config"])))
