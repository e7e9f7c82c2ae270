"""The absl binaries, one for each step of an experiment.

What their libraries say at every start, and nobody can act upon, is left out. The first lines of
TensorFlow 2.21, on oneDNN and CUDA, heed no setting.
"""

import logging
import os

from absl import logging as absl_logging

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors; must be set before the import

_NOISE = ("apitools not found", "Using custom data configuration")  # of Beam, of TFDS


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_NOISE)


for _logger in (logging.getLogger(), absl_logging.get_absl_logger()):
    _logger.addFilter(_is_news)
