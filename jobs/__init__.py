"""The absl binaries, one for each step of an experiment.

A job prints what it does, without the messages that its libraries print at every start.
"""

import contextlib
import logging
import os
import sys
import threading
import warnings

from absl import logging as absl_logging

from . import _quiet

_backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
if _backend != "tensorflow":
    print(f"KERAS_BACKEND={_backend} is set aside: jobs compute with TensorFlow.", file=sys.stderr)
os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras/keras.json says
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors
# On CPUs without AVX-512 TensorFlow leaves oneDNN off, whose convolutions are twice as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
if not (sys.stderr and sys.stderr.isatty()):
    os.environ.setdefault("TQDM_DISABLE", "1")  # a file would keep every state of a progress bar

_all_wanted = not sys.stderr or os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
with contextlib.nullcontext() if _all_wanted else _quiet.left_out(_quiet.TENSORFLOW_NOISE):
    import tensorflow as tf

    tf.config.list_physical_devices()  # otherwise the first operation logs that it finds no GPU

tf.get_logger().handlers.clear()  # its messages also reach the root logger
absl_logging.get_absl_handler().setFormatter(_quiet.Line())
absl_logging.set_verbosity(absl_logging.WARNING)  # of the libraries
logging.getLogger("sib_tf").setLevel(logging.INFO)
_servers = logging.getLogger("apache_beam.utils.subprocess_server")
for _logger in (logging.getLogger(), absl_logging.get_absl_logger(), _servers):
    _logger.addFilter(_quiet.is_news)
logging.getLogger("PrismJobServer").addFilter(_quiet.is_not_of_job)
# Of damaged EXIF and the like, which stops no image; they do not say of which file.
warnings.filterwarnings("ignore", module=r"PIL\.")
threading.excepthook = _quiet.print_thread_error
