"""Sharded TFRecord files: how they are named, what is in one, and when one cannot be read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from sib_tf.errors import UserError

SUFFIX = ".tfrecord"


def serialize(content: Mapping[str, tf.train.Feature]) -> bytes:
    """A record: a `tf.train.Example` of the features by their names."""
    example = tf.train.Example(features=tf.train.Features(feature=content))
    return example.SerializeToString(deterministic=True)


def ints(values: Sequence[int] | np.ndarray) -> tf.train.Feature:
    """A feature of type int64."""
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def floats(values: Sequence[float] | np.ndarray) -> tf.train.Feature:
    """A feature of type float, row after row."""
    # protobuf takes a list in a fifth of the time of an array.
    return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(values).tolist()))


def strings(values: Sequence[bytes]) -> tf.train.Feature:
    """A feature of type bytes."""
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def record_files(folder: Path) -> list[Path]:
    """The TFRecord files of a folder, by name.

    Raises:
        UserError: there is no such folder, or none in it.
    """
    files = sorted(folder.glob(f"*{SUFFIX}*"))
    if not files:
        raise UserError(f"{folder} holds no {SUFFIX} files: run the job that writes it first.")
    return files


def parsed_batches(
    files: list[Path],
    parse: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    *,
    batch_size: int,
) -> Iterator[dict[str, tf.Tensor]]:
    """Parses files one after the other, in batches that never span two files.

    Args:
        files: to read.
        parse: string [B] -> tensors with leading axis B.
        batch_size: records in a batch, at the most.

    Raises:
        UserError: a file is truncated, no TFRecord, or holds other records; names the file.
    """
    for file in files:
        try:
            yield from tf.data.TFRecordDataset(str(file)).batch(batch_size).map(parse)
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
            reason = error.message.splitlines()[0]
            raise UserError(
                f"{file} is truncated or not of the expected kind ({reason}): delete the folder "
                f"of its step, {file.parents[1]}, and run the job that writes it again."
            ) from None
