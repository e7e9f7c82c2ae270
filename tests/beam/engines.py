"""The engines that Beam runs on here, each as options for `sib_tf.beam.runner`."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

import pytest
from dask.distributed import LocalCluster

from sib_tf.base.errors import UserError
from sib_tf.beam import prism
from sib_tf.beam.servers import require
from tests.running import ROOT, unused_port

# Its workers are threads of one process, which import Beam and TensorFlow once for all tests.
_POOL = """
import time
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer as Pool
_, _server = Pool.start(port=PORT)
time.sleep(3600)
"""
THREADS = (sys.executable, "-c", _POOL)
OF_ANOTHER_VERSION = (*THREADS[:2], f"import apache_beam; apache_beam.__version__ = '2.0'\n{_POOL}")


@contextlib.contextmanager
def _this_process():
    yield ()


@contextlib.contextmanager
def _threads():
    yield ("--direct_num_workers=2", "--direct_running_mode=multi_threading")


@contextlib.contextmanager
def _prism():
    skip_without_prism()
    yield ("--runner=PrismRunner",)


@contextlib.contextmanager
def _prism_with_external_worker():
    with prism_server() as job_server, worker_pool(*THREADS) as to_pool:
        yield (*job_server, *to_pool)


@contextlib.contextmanager
def _dask():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        address = f"--dask_client_address={cluster.scheduler_address}"
        yield ("--runner=DaskRunner", address, "--dask_npartitions=3")


ALL = {
    "this process": _this_process,
    "threads": _threads,
    "Prism": _prism,
    "Prism with an external worker": _prism_with_external_worker,
    "Dask": _dask,
}


def skip_without_prism():
    if not prism.binary().exists():
        pytest.skip("Prism is missing: `make prism` builds it, with Go")


@contextlib.contextmanager
def prism_server():
    """Options that send a pipeline to a Prism that runs meanwhile."""
    skip_without_prism()
    with server(prism.binary(), "--job_port=PORT", "--serve_http=false") as address:
        yield ("--runner=PortableRunner", f"--job_endpoint={address}")


@contextlib.contextmanager
def worker_pool(*command, **variables):
    """Options that send work to a worker pool, which runs meanwhile."""
    with server(*command, **variables) as address:
        yield ("--environment_type=EXTERNAL", f"--environment_config={address}")


@contextlib.contextmanager
def server(*command, **variables):
    """The address of a server, which runs meanwhile in a folder of its own.

    Args:
        command: its command; PORT in it stands for the port.
        variables: changes of the environment.
    """
    port = unused_port()
    command = [str(part).replace("PORT", str(port)) for part in command]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, cwd=folder, env=variables, **quiet) as process,
    ):
        try:
            _wait_for(f"localhost:{port}", process)
            yield f"localhost:{port}"
        finally:
            process.kill()


def _wait_for(address, process):
    deadline = time.monotonic() + 60
    while process.poll() is None:
        with contextlib.suppress(UserError):
            require("the server", address)
            return
        assert time.monotonic() < deadline, f"{address} has not come up"
        time.sleep(0.1)
    raise AssertionError(f"{process.args} has ended")
