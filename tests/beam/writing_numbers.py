"""Writes 20 numbers as records; the worker that comes to 13 is killed, the first time.

python -m tests.beam.writing_numbers PREFIX OPTION_OF_BEAM...
"""

import os
import signal
import sys
from pathlib import Path

import apache_beam as beam
import tensorflow as tf

from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.beam.records import SUFFIX

COUNT, SHARDS, FATAL = 20, 3, 13


class Fragile(beam.DoFn):
    """Makes records of numbers."""

    def __init__(self, killed):
        self._killed = killed  # a file that says so

    def process(self, number):
        if number == FATAL and not self._killed.exists():
            self._killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield b"%d" % number


def write(prefix, beam_args):
    fragile = beam.ParDo(Fragile(prefix.with_name("killed")))
    runner.write_records(prefix, range(COUNT), fragile, num_shards=SHARDS, beam_args=beam_args)


def read(prefix):
    """The records written so far, sorted."""
    files = sorted(map(str, prefix.parent.glob(f"{prefix.name}*{SUFFIX}")))
    return sorted(tf.data.TFRecordDataset(files).as_numpy_iterator())


if __name__ == "__main__":
    try:
        write(Path(sys.argv[1]), sys.argv[2:])
    except UserError as error:
        sys.exit(f"error: {error}")
