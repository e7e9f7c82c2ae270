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

_PRISM = "--runner=PrismRunner"
# Its workers are threads of one process, which import Beam and TensorFlow once for all tests.
_POOL = """
import sys, time
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer as Pool
_, _server = Pool.start(port=int(sys.argv[1]))
time.sleep(3600)
"""


@contextlib.contextmanager
def _this_process():
    yield ()


@contextlib.contextmanager
def _threads():
    yield ("--direct_num_workers=2", "--direct_running_mode=multi_threading")


@contextlib.contextmanager
def _prism():
    skip_without_prism()
    yield (_PRISM,)


@contextlib.contextmanager
def _prism_with_external_worker():
    skip_without_prism()
    port = unused_port()
    with worker_pool([sys.executable, "-c", _POOL, str(port)], port) as pool:
        yield (_PRISM, *pool)


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
def worker_pool(command, port, **variables):
    """Options that send work to a worker pool, which runs meanwhile in a folder of its own."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, cwd=folder, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as pool,
    ):
        try:
            _wait_for(port, pool)
            yield ("--environment_type=EXTERNAL", f"--environment_config=localhost:{port}")
        finally:
            pool.kill()


def _wait_for(port, process):
    deadline = time.monotonic() + 60
    while process.poll() is None:
        with contextlib.suppress(UserError):
            require("the worker pool", f"localhost:{port}")
            return
        assert time.monotonic() < deadline, "the server has not come up"
        time.sleep(0.1)
    raise AssertionError("the server has ended")
