"""Filters of what the jobs print.

At every start their libraries print messages that nobody can act upon. TF_CPP_MIN_LOG_LEVEL=0 keeps
all those of TensorFlow.
"""

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

# What TensorFlow's libraries print while they are loaded, before they have read their log level,
# and the error of a machine without a GPU driver (CUDA error 303).
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
# Of Beam, which also starts and stops Prism, and of TFDS
_NOISE = ("apitools not found", "Really ", "Using custom data configuration")


@contextlib.contextmanager
def left_out(noise: str) -> Iterator[None]:
    """Drops lines that match a regular expression from stderr, whether of Python or of C++.

    A separate process passes on the other lines, so that none is lost if this one crashes.

    Args:
        noise: regular expression, matched at the start of a line.
    """
    command = [sys.executable, "-ISc", _PASS_ON_OTHERS, noise]
    # In its own session, Ctrl-C does not end it before it has passed on this process's last lines.
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
    """Formats a record as time and message, with the level if it is above INFO."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802, the name in logging
        level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        return f"{self.formatTime(record, '%H:%M:%S')} {level}{record.message}"


def is_news(record: logging.LogRecord) -> bool:
    """Whether a user can act upon a record, and no error says the same."""
    said_by_job_server = record.module == "portable_runner"  # which raises it, too
    return not said_by_job_server and not record.getMessage().startswith(_NOISE)


def is_not_of_job(record: logging.LogRecord) -> bool:
    """Whether a line of Prism is more than its log of a job, whose errors the job raises.

    The log is JSON. A crash is not, and what workers have logged passes, too.
    """
    line = record.getMessage()
    of_worker = '"log from SDK worker"' in line and "Error processing instruction" not in line
    return of_worker or not line.startswith("{")


def print_thread_error(error: threading.ExceptHookArgs) -> None:
    """Prints what has ended a thread, unless a server is lost: then the job says so itself."""
    if not error.exc_type.__module__.startswith("grpc"):
        threading.__excepthook__(error)
