"""How many queries an exported model takes at a time, as the export keeps it for who loads it."""

import json
from pathlib import Path

from sib_tf.base.atomic import write_json

DEFAULT = 10_000  # of 20 classes, these take a gigabyte beyond phi

_FILE = Path("assets.extra") / "limits.json"
_FIELD = "max_queries"


def write(model: Path, max_queries: int) -> None:
    """Adds the limit to a SavedModel, as `assets.extra/limits.json`.

    Args:
        model: folder of a SavedModel.
        max_queries: most queries of an episode.
    """
    (model / _FILE).parent.mkdir(exist_ok=True)
    write_json(model / _FILE, {_FIELD: max_queries})


def read(model: Path) -> int | None:
    """Most queries of an episode; None of a model that was exported without a limit.

    Args:
        model: folder of a SavedModel.

    Raises:
        ValueError, KeyError: if the file is damaged.
    """
    file = model / _FILE
    return json.loads(file.read_text())[_FIELD] if file.exists() else None
