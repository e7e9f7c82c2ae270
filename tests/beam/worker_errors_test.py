"""What engines say of lost workers, in the words of Beam 2.77, becomes advice."""

import pytest

from sib_tf.base.errors import UserError
from sib_tf.beam.worker_errors import mendable

_WORKER = "job-001[job]_ref_Environment_default_environment_1"


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            f"Pipeline job-001 failed in state FAILED: bundle inst004 stage-005 failed:SDK worker "
            f"disconnected: worker[{_WORKER}], 2 active instructions, error: context canceled",
            "A worker has died",
        ),
        (
            f"Pipeline job-009 failed in state FAILED: prism worker[{_WORKER}] didn't get control "
            "connection to localhost:8123 after 1m0s",
            "No worker has come up",
        ),
        (
            "<_MultiThreadedRendezvous of RPC that terminated with:\n"
            "\tstatus = StatusCode.UNAVAILABLE\n"
            '\tdetails = "Stream removed (Socket closed)"\n>',
            "The job server has ended",
        ),
        (
            "Pipeline job-001 failed in state FAILED: failed to start environment "
            "ref_Environment_default_environment_1 for job job-001[job]: unable to create "
            "container image apache/beam_python3.11_sdk:2.77.0 with docker",
            "The job server cannot start a worker",
        ),
        (
            "bundle inst001 stage-001 failed:Traceback (most recent call last):\n"
            "ModuleNotFoundError: No module named 'sib_tf'\n",
            "The workers lack sib_tf: send it with --setup_file",
        ),
        (
            "Unable to fetch remote job server jar at https://repo.maven.apache.org/maven2/org/"
            "apache/beam/beam-runners-flink-2.2-job-server-2.77.0.jar: HTTP Error 404: Not Found.",
            "Beam's job server cannot be downloaded: name its jar",
        ),
        (
            "Attempted to run task '_run_bundle-1' on 4 different workers, but all those workers "
            "died while running it.",
            "A worker has died",
        ),
    ],
)
def test_lost_workers_and_servers_become_advice(said, advice):
    found = mendable(RuntimeError(said))
    assert isinstance(found, UserError)
    assert str(found).startswith(advice)


@pytest.mark.parametrize(
    "said",
    [
        "ZeroDivisionError: division by zero [while running 'x']",
        "ServiceUnavailable: storage answers StatusCode.UNAVAILABLE [while running 'x']",
    ],
)
def test_other_errors_are_none_that_a_user_can_mend(said):
    assert mendable(RuntimeError(said)) is None
