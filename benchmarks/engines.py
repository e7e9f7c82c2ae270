"""The engines that Beam runs on here, as a user starts them."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.beam.engines import ALL, prism_server, worker_pool

THIS_PROCESS = "this process"


@contextlib.contextmanager
def _job_server() -> Iterator[Sequence[str]]:
    """Prism and a worker pool, both in processes of their own."""
    pool = ("-m", "apache_beam.runners.worker.worker_pool_main", "--service_port=PORT")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # it starts "python"
    with (
        prism_server() as to_server,
        worker_pool(sys.executable, *pool, PATH=path) as to_pool,
    ):
        yield (*to_server, *to_pool)


def _always(*options: str) -> Callable[[], AbstractContextManager[Sequence[str]]]:
    return functools.partial(contextlib.nullcontext, options)


# Name -> the options of a job that goes there, in a context in which it is there.
ENGINES = {
    **{name: ALL[name] for name in (THIS_PROCESS, "threads", "Prism")},
    "processes": _always("--direct_num_workers=2", "--direct_running_mode=multi_processing"),
    "job server": _job_server,
    "Dask": _always("--runner=DaskRunner"),
}
