"""What an exported zero-shot model says of itself: its classes, and how many images go together."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sib_tf.base.atomic import write_json

FILE = Path("assets.extra") / "zero_shot.json"


class Contract(NamedTuple):
    """What is not in the signatures.

    Attributes:
        classes: names of the N classes, by label.
        minibatch: images that the model was trained to classify together.
    """

    classes: Sequence[str]
    minibatch: int


def write(model: Path, contract: Contract) -> None:
    """Adds it to a SavedModel, as `assets.extra/zero_shot.json`."""
    (model / FILE).parent.mkdir(exist_ok=True)
    write_json(model / FILE, contract._asdict())


def read(model: Path) -> Contract:
    """What `write` has written.

    Raises:
        OSError, ValueError, TypeError: if the file is missing or damaged.
    """
    return Contract(**json.loads((model / FILE).read_text()))
