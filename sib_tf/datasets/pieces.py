"""Splits of a data set that are read in pieces: by Beam's workers, or one piece after the other."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow_datasets as tfds

from sib_tf.beam import counters
from sib_tf.beam.same_versions import same_versions
from sib_tf.datasets import unreadable

if TYPE_CHECKING:
    import apache_beam as beam
    from apache_beam.runners.runner import PipelineResult

UNREADABLE = "unreadable"

Read = Callable[[Any], Iterator[Any]]
"""From a piece to the id and example of each of its images, or what `unreadable_image` returns."""


class PiecewiseBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A builder that makes its splits by `examples`.

    Attributes:
        on_beam: whether Beam hands the pieces out. In one process there is nobody to hand them to,
            and Beam shuffles the examples in memory, TFDS on the disk.
    """

    on_beam = True

    def examples(
        self, pieces: Sequence[Any], read: Read, settle: unreadable.Settle = unreadable.refuse
    ) -> "beam.PTransform | Iterator[Any]":
        """The examples of a split, as `_split_generators` returns them.

        Args:
            pieces: pieces of the split.
            read: callable that reads a piece.
            settle: callable that refuses or reports unreadable images, once every image of the
                split has been tried.
        """
        if not self.on_beam:
            return in_turn(pieces, read, settle)
        # Who only reads a data set need not wait for Beam to be imported.
        beam = tfds.core.lazy_imports.apache_beam
        return beam.Create(pieces) | "Versions" >> same_versions() | read_all(read, settle)

    def _process_pipeline_result(self, pipeline_result: "PipelineResult") -> None:
        counters.log(pipeline_result)


def unreadable_image(fault: str) -> Any:
    """What takes the place of an image that cannot be read: which it is, and what is wrong."""
    tagged = tfds.core.lazy_imports.apache_beam.pvalue.TaggedOutput
    return tagged(UNREADABLE, ((fault,), 1))


def in_turn(pieces: Iterable[Any], read: Read, settle: unreadable.Settle) -> Iterator[Any]:
    """All examples of the pieces of a split, in this process."""
    tagged = tfds.core.lazy_imports.apache_beam.pvalue.TaggedOutput
    faults = []
    for found in itertools.chain.from_iterable(map(read, pieces)):
        if isinstance(found, tagged):
            faults.append(found.value)
        else:
            yield found
    if faults:
        settle(*_first_and_number(faults))


def read_all(read: Read, settle: unreadable.Settle) -> "beam.PTransform":
    """From pieces of a split to all its examples."""
    beam = tfds.core.lazy_imports.apache_beam

    @beam.ptransform_fn
    def read_pieces(pieces: "beam.PCollection") -> "beam.PCollection":
        found = pieces | "Read" >> beam.FlatMap(read).with_outputs(UNREADABLE, main="examples")
        _ = (
            found[UNREADABLE]
            | "Join" >> beam.CombineGlobally(_first_and_number).without_defaults()
            | "Settle" >> beam.MapTuple(settle)
        )
        return found["examples"]

    return read_pieces()


def _first_and_number(found: Iterable[tuple[Sequence[str], int]]) -> tuple[tuple[str, ...], int]:
    faults, numbers = zip(*found, strict=True)
    return tuple(sorted(itertools.chain(*faults))[: unreadable.NAMED]), sum(numbers)
