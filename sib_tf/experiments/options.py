"""What flags of jobs say beside the config."""

import dataclasses
from pathlib import Path

from sib_tf.datasets.prepared import SPLITS
from sib_tf.training.devices import strategies


@dataclasses.dataclass(frozen=True)
class Options:
    """How steps are run; a finished step stays whatever they are.

    Attributes:
        weights: folder with weights to take in place of training.
        strategy: devices that train phi, a name of `strategies.NAMES`.
        splits: splits that episodes are drawn from.
        materialize: what a record of an episode holds of its examples: "ids", "features" or
            "images".
        num_shards: files of each set of episodes; 0: the Beam runner decides.
    """

    weights: Path | None = None
    strategy: str = strategies.ONE_DEVICE
    splits: tuple[str, ...] = SPLITS
    materialize: str = "ids"
    num_shards: int = 0
