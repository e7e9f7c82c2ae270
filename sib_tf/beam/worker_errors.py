"""What a user can mend among the errors that engines raise.

Beam re-raises a UserError, and what else takes one argument, with the name of the transform
appended, others, and those of another process, as a RuntimeError whose text is the name of the
error or a traceback.
"""

import re

import apache_beam as beam

from sib_tf.base.errors import UserError

# What a user can mend: bad input, a full disk, a missing permission, a folder that is not shared.
_OF_THE_SYSTEM = "ResourceExhaustedError|PermissionDeniedError|OSError|PermissionError"
_MISSING = "FileNotFoundError|NotFoundError|DatasetInfoFileError"
_RAISED = re.compile(
    rf"^(?:RuntimeError: )*[\w.]*\b(UserError|{_OF_THE_SYSTEM}|{_MISSING}): (.+) \[while running '",
    re.MULTILINE,
)

# What Beam, Prism and Dask say of servers and workers that are lost or never came, or lack our
# package, and what to do.
_ADVICE = {
    "SDK worker disconnected|all those workers died": "A worker has died while it worked: its own "
    "log says why, memory may be short. Then run the same command again.",
    "didn't get control connection": "No worker has come up: the log of the worker pool says why. "
    f"Its `python` must be that of an environment with Beam {beam.__version__} (docs/scaling.md).",
    "failed to start environment": "The job server cannot start a worker: its log says why. Give "
    "--environment_type=EXTERNAL --environment_config=HOST:PORT of a worker pool; without, there "
    "must be Docker where it runs (docs/scaling.md).",
    "No module named 'sib_tf": "The workers lack sib_tf: send it with --setup_file=./setup.py "
    "(docs/scaling.md).",
    "Unable to fetch remote job server jar": "Beam's job server cannot be downloaded: name its jar "
    "by --flink_job_server_jar or --spark_job_server_jar (docs/scaling.md).",
    r"RPC that terminated with:\s+status = StatusCode\.UNAVAILABLE": "The job server has ended: "
    "its log says why. Prism does where the worker pool of --environment_config is missing or "
    "starts no worker (docs/scaling.md).",
}


def mendable(error: Exception) -> UserError | OSError | None:
    """The error in one line: a UserError; an OSError where a disk was full or a permission missing.

    Args:
        error: what a pipeline has raised.

    Returns:
        None if it is none that a user can mend.
    """
    if raised := _RAISED.search(f"{type(error).__name__}: {error}"):
        return _raised(*raised.groups())
    advice = (advice for said, advice in _ADVICE.items() if re.search(said, str(error)))
    return next(map(UserError, advice), None)


def _raised(name: str, message: str) -> UserError | OSError:
    if name in _MISSING.split("|"):
        return UserError(
            f"{message}: it was not found while the pipeline ran. On several machines, folders "
            "must be at the same path on all of them (docs/scaling.md)."
        )
    return (OSError if name in _OF_THE_SYSTEM.split("|") else UserError)(message)
