"""What the jobs leave out of what is printed.

Their libraries say at every start what nobody can act upon. With TF_CPP_MIN_LOG_LEVEL=0 TensorFlow
says it all.
"""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

# What TensorFlow's libraries print while they are loaded, before they have read their log level,
# and that a machine without a driver for GPUs (CUDA error 303) has none.
TENSORFLOW_NOISE = (
    r"WARNING: All log messages before absl::InitializeLog\(\)"
    r"|[IW]\d{4} .*\.cc:\d+\] "
    r"|E\d{4} .* failed call to cuInit: .*\(303\)$"
)
_PASS_ON_OTHERS = """
import re, sys
for line in sys.stdin.buffer:
    if not re.match(sys.argv[1].encode(), line):
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
"""
_NOISE = ("apitools not found", "Using custom data configuration")  # of Beam, of TFDS


@contextlib.contextmanager
def left_out(noise: str) -> Iterator[None]:
    """Leaves lines out of stderr, by Python and C++, that begin with a regular expression.

    A process of its own passes on the others, so that none is lost if this one crashes.

    Args:
        noise: the regular expression.
    """
    command = [sys.executable, "-ISc", _PASS_ON_OTHERS, noise]
    # In a session of its own no Ctrl-C ends it before it has passed on what that makes of this one.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        stderr = os.dup(2)
        with process.stdin as pipe:
            os.dup2(pipe.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


class Line(logging.Formatter):
    """The time and what is said, with its level if that is worse than news."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802, a name of logging's
        level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        return f"{self.formatTime(record, '%H:%M:%S')} {level}{record.message}"


def is_news(record: logging.LogRecord) -> bool:
    """Whether a record says something that a user can act upon."""
    return not record.getMessage().startswith(_NOISE)
