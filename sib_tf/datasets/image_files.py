"""Image files of classes as TFDS examples, read on Beam workers."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_datasets as tfds

from sib_tf.base.file_names import legible
from sib_tf.beam.counters import counter
from sib_tf.datasets import unreadable
from sib_tf.datasets.images import UnreadableImageError, read_rgb

if TYPE_CHECKING:
    import apache_beam as beam

UNREADABLE = "unreadable"


def read_classes(size: int, settle: unreadable.Settle = unreadable.refuse) -> "beam.PTransform":
    """From the classes of a split, as `read_class` takes them, to all their examples.

    Args:
        size: height and width of the images, in pixels.
        settle: as `read_all` takes it.
    """
    return read_all(functools.partial(read_class, size=size), settle)


def read_all(
    read_some: Callable[[Any], Iterator[Any]], settle: unreadable.Settle
) -> "beam.PTransform":
    """From pieces of a split to all its examples.

    Args:
        read_some: callable: piece -> what `example` returns, of each of its images.
        settle: callable that refuses or reports unreadable images, once every image of the split
            has been tried.
    """
    # Who only reads a data set need not wait for Beam to be imported.
    beam = tfds.core.lazy_imports.apache_beam

    @beam.ptransform_fn
    def read(pieces: "beam.PCollection") -> "beam.PCollection":
        found = pieces | "Read" >> beam.FlatMap(read_some).with_outputs(UNREADABLE, main="examples")
        _ = (
            found[UNREADABLE]
            | "Join" >> beam.CombineGlobally(_first_and_number).without_defaults()
            | "Settle" >> beam.MapTuple(settle)
        )
        return found["examples"]

    return read()


def by_id(class_name: str, files: Iterable[Path], root: Path | None = None) -> dict[str, Path]:
    """Files of a class by their ids: CLASS/FILENAME, or CLASS/PART/FILENAME.

    Args:
        class_name: name of the class.
        files: its files.
        root: folder with the folder of the class, maybe in parts: ROOT/CLASS or ROOT/PART/CLASS.
    """

    def key(file: Path) -> str:
        parts = file.relative_to(root).parts[:-2] if root else ()
        return legible("/".join((class_name, *parts, file.name)))

    return {key(file): file for file in files}


def read_class(class_files: tuple[str, Mapping[str, Path]], size: int) -> Iterator[Any]:
    """Reads files of a class.

    Args:
        class_files: name of the class, and its files by their ids.
        size: height and width of the images, in pixels.

    Yields:
        What `example` returns.
    """
    class_name, files = class_files
    for key, file in files.items():
        yield example(key, class_name, functools.partial(read_rgb, file, size=(size, size)))


def example(key: str, class_name: str, read: Callable[[], np.ndarray]) -> Any:
    """Reads an image; counts it, and the unreadable ones.

    Args:
        key: its id.
        class_name: name of its class.
        read: callable that returns it, uint8 [size, size, 3], or raises UnreadableImageError.

    Returns:
        The id and the example; for an unreadable image ((fault,), 1), tagged UNREADABLE.
    """
    try:
        image = read()
    except UnreadableImageError as error:
        counter("unreadable images").inc()
        tagged = tfds.core.lazy_imports.apache_beam.pvalue.TaggedOutput
        return tagged(UNREADABLE, ((error.fault,), 1))
    counter("images").inc()
    return key, {"image": image, "label": class_name, "id": key}


def _first_and_number(found: Iterable[tuple[Sequence[str], int]]) -> tuple[tuple[str, ...], int]:
    faults, numbers = zip(*found, strict=True)
    return tuple(sorted(itertools.chain(*faults))[: unreadable.NAMED]), sum(numbers)
