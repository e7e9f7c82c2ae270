"""Image files of classes as TFDS examples, read on Beam workers."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError
from sib_tf.beam.counters import counter
from sib_tf.datasets.images import read_rgb

if TYPE_CHECKING:
    import apache_beam as beam

UNREADABLE = "unreadable"


def read_classes(size: int) -> "beam.PTransform":
    """From the classes of a split, as `read_class` takes them, to all their examples.

    Unreadable files end the pipeline once every file of the split has been tried: by a UserError
    that names the first of them and says how many there are.
    """
    # Who only reads a data set need not wait for Beam to be imported.
    beam = tfds.core.lazy_imports.apache_beam

    @beam.ptransform_fn
    def read(classes: "beam.PCollection") -> "beam.PCollection":
        found = classes | "Read" >> beam.FlatMap(read_class, size).with_outputs(
            UNREADABLE, main="examples"
        )
        _ = (
            found[UNREADABLE]
            | "Join" >> beam.CombineGlobally(_first_and_number).without_defaults()
            | "Refuse" >> beam.MapTuple(_refuse)
        )
        return found["examples"]

    return read()


def read_class(class_files: tuple[str, Sequence[Path]], size: int) -> Iterator[Any]:
    """Reads files of a class; counts them, and the unreadable ones.

    Args:
        class_files: name of the class, and its files.
        size: height and width of the images, in pixels.

    Yields:
        The key CLASS/FILENAME and the example, with its `image` uint8 [size, size, 3]; for an
        unreadable file (reason, 1), tagged UNREADABLE.
    """
    class_name, files = class_files
    for file in files:
        key = f"{class_name}/{file.name}"
        try:
            image = read_rgb(file, size=(size, size))
        except UserError as error:
            counter("unreadable images").inc()
            tagged = tfds.core.lazy_imports.apache_beam.pvalue.TaggedOutput
            yield tagged(UNREADABLE, (str(error), 1))
        else:
            counter("images").inc()
            yield key, {"image": image, "label": class_name, "id": key}


def _first_and_number(unreadable: Iterable[tuple[str, int]]) -> tuple[str, int]:
    messages, numbers = zip(*unreadable, strict=True)
    return min(messages), sum(numbers)


def _refuse(message: str, number: int) -> None:
    more = f" (the first of {number} unreadable images)" if number > 1 else ""
    raise UserError(f"{message}{more}")
