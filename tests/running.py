"""Runs jobs and other modules in processes of their own that need not import TensorFlow again.

With `python -m`, a job spends seconds on imports. Here it is forked from a server that has imported
everything and done nothing else; output, exit code and kills are as in any process.
"""

import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest.mock
from pathlib import Path

ROOT = Path(__file__).parents[1]

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["jobs", "tests.imported_by_jobs"])


class Running:
    """A started module, such as a job, with the interface of `subprocess.Popen`."""

    def __init__(self, module, *args, cwd=ROOT, **variables):
        self._printed = [tempfile.TemporaryFile("w+") for _ in range(2)]  # noqa: SIM115
        files = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in self._printed]
        command = [module, *map(str, args)]
        self._process = _FORKSERVER.Process(
            target=_run, name=module, args=(command, str(cwd), variables, files), daemon=True
        )
        self._process.start()
        self.pid = self._process.pid

    def poll(self):
        """The exit code; None while the process runs."""
        return self._process.exitcode

    def kill(self):
        """Kills the process, which cleans nothing up."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.join()

    def communicate(self, timeout=240):
        """Waits for the end; returns what was printed on stdout and on stderr."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self.kill()
            raise subprocess.TimeoutExpired(self._process.name, timeout, *self.printed())
        return self.printed()

    def printed(self):
        """What was printed so far on stdout and on stderr."""
        for file in self._printed:
            file.seek(0)
        return [file.read() for file in self._printed]

    def wait_for(self, path, timeout=200):
        """Waits until the process has made a file."""
        deadline = time.monotonic() + timeout
        while not path.exists():
            assert self.poll() is None, self.printed()[1]
            assert time.monotonic() < deadline, f"{path} has not come"
            time.sleep(0.01)


def job(name, *args, cwd=ROOT, timeout=240, **variables):
    """Runs a job to its end, as `subprocess.run` would."""
    running = Running(f"jobs.{name}", *args, cwd=cwd, **variables)
    printed = running.communicate(timeout)
    return subprocess.CompletedProcess([name, *args], running.poll(), *printed)


def unused_port():
    """A port of this machine that nobody listens at."""
    with socket.socket() as bound:
        bound.bind(("localhost", 0))
        return bound.getsockname()[1]


def _run(command, cwd, variables, files):
    """Runs a module in the forked process."""
    for stream, file in zip((1, 2), files, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), stream)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, closefd=False) for n in (1, 2))
    os.chdir(cwd)
    os.environ.update(variables)
    sys.path[0] = str(ROOT)
    module, *args = command
    with unittest.mock.patch("sys.argv", [module, *args]):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
