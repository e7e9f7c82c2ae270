"""Reads stored minibatches."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from sib_tf.adaptation.minibatches import schema
from sib_tf.base import commands
from sib_tf.base.errors import UserError
from sib_tf.beam.records import parsed_batches, record_files


@dataclasses.dataclass(frozen=True)
class MinibatchTable:
    """All minibatches of a folder, in the order of their numbers; E minibatches.

    Attributes:
        domains: number of the domain of each, int32 [E].
        ids: positions of the images in the split of the domain, int32 [E, Q], filled up with -1.
        labels: labels of the images, int32 [E, Q], filled up with -1.
    """

    domains: np.ndarray
    ids: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.domains)

    @property
    def present(self) -> np.ndarray:
        """Which images are there, bool [E, Q]."""
        return self.ids != schema.PADDING


def read(folder: Path, *, count: int, largest: int) -> MinibatchTable:
    """Loads every minibatch.

    Shards hold their records in no particular order; sorting by number makes the table the same for
    any number of shards and workers.

    Args:
        folder: `records` in the folder of a `build_episodes` step.
        count: number of minibatches; they are numbered from 0.
        largest: images of the largest.

    Raises:
        UserError: if a record is truncated or of another kind, or larger; names the file. If there
            are no records, or a minibatch is missing or there twice; names the folder.
    """
    parse = functools.partial(schema.parse, largest=largest)
    batches = list(parsed_batches(record_files(folder), parse, batch_size=1000))
    columns = {
        name: np.concatenate([batch[name] for batch in batches]).astype(np.int32)
        for name in ("minibatch", "domain", "id", "label")
    }
    numbers = columns["minibatch"]
    if sorted(numbers) != list(range(count)):
        raise UserError(
            f"{folder} does not hold each of the minibatches 0..{count - 1} once: delete the "
            f"folder of the step, {folder.parent}, then run {commands.job('build_episodes')} again."
        )
    order = np.argsort(numbers)
    return MinibatchTable(*(columns[name][order] for name in ("domain", "id", "label")))
