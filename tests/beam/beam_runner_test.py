import importlib
import socket
import sys

import apache_beam as beam
import pytest
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability.local_job_service import LocalJobServicer

import sib_tf.beam
from sib_tf.base import storage
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from tests.running import unused_port


def test_errors_of_the_program_keep_their_traceback():
    with (
        pytest.raises(ZeroDivisionError),
        runner.plain_errors(),
        beam.Pipeline(options=runner.options([])) as pipeline,
    ):
        _ = pipeline | beam.Create([0]) | beam.Map(lambda x: 1 / x)


def test_without_a_runner_nothing_is_downloaded():
    assert runner.options([]).get_all_options()["runner"] == "FnApiRunner"
    given = runner.options(["--runner=DirectRunner"])
    assert given.get_all_options()["runner"] == "DirectRunner"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--direct_num_worker=2"], "--direct_num_worker=2 is not a Beam option"),
        (["--runner", "DirectRunner", "two"], "two is not a Beam option"),
        (["--direct_num_workers=two"], "--direct_num_workers: invalid int value: 'two'"),
        (["--runner=DaskRunner", "--dask_clients=2"], "--dask_clients=2 is not a Beam option"),
    ],
)
def test_wrong_options_are_named(args, words):
    with pytest.raises(UserError, match=words):
        runner.options(args)


@pytest.mark.parametrize(
    "args",
    [
        ["--runner", "DirectRunner", "--direct_num_workers=2", "--region=r"],
        ["--runner=FlinkRunner", "--flink_master=local", "--known_to_the_job_server=1"],
        ["--runner=SparkRunner", "--spark_master_url=local[4]"],
        ["--runner=DaskRunner", "--dask_scheduler_file=scheduler.json"],
    ],
)
def test_options_of_other_runners_are_accepted(args):
    assert runner.options(args)


@pytest.mark.parametrize(
    "name", ["FlinkRuner", "sib_tf.base.errors.FlinkRunner", "no_module.Runner"]
)
def test_a_runner_that_does_not_exist_is_named(name):
    with pytest.raises(UserError, match=rf"^--runner={name}: .*({name}|module)"):
        runner.options([f"--runner={name}"])


def test_dataflow_is_accepted_or_its_package_named():
    args = ["--runner=DataflowRunner", "--project=my-project", "--region=r", "--experiments=a"]
    args += ["--temp_location=gs://bucket/tmp"]
    try:
        importlib.import_module("apache_beam.runners.dataflow.dataflow_runner")
    except ImportError:
        with pytest.raises(UserError, match=r"please install apache_beam\[gcp\]"):
            runner.options(args)
    else:
        assert runner.options(args)
        with pytest.raises(UserError, match=r"^--runner=DataflowRunner: Missing GCS path option"):
            runner.options(args[:-1])


@pytest.mark.parametrize(
    ("name", "flag", "scheme"),
    [
        ("PortableRunner", "--job_endpoint", ""),
        ("PrismRunner", "--job_endpoint", ""),
        ("DaskRunner", "--dask_client_address", "tcp://"),
    ],
)
def test_a_server_that_does_not_answer_is_named(name, flag, scheme):
    named = f"{flag}={scheme}localhost:{unused_port()}"
    with pytest.raises(UserError, match=rf"^{named} does not answer \(.*refused\): start"):
        runner.options([f"--runner={name}", named])


def test_a_server_without_a_port_is_named():
    with pytest.raises(UserError, match=r"^--job_endpoint=localhost does not answer"):
        runner.options(["--runner=PortableRunner", "--job_endpoint=localhost"])


class JobServer(LocalJobServicer):
    """Beam's own in Python, with an option of its own."""

    def DescribePipelineOptions(self, request, context=None, timeout=None):  # noqa: N802
        option = beam_job_api_pb2.PipelineOptionDescriptor(name="its_own")
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=[option])


@pytest.fixture
def job_endpoint():
    server = JobServer()
    yield f"--job_endpoint=localhost:{server.start_grpc_server()}"
    server.stop()


def test_a_server_that_answers_or_is_started_by_beam_is_accepted(job_endpoint):
    # No binary is looked for: the job server is there.
    given = runner.options(["--runner=PrismRunner", "--prism_location=no_such_file", job_endpoint])
    assert given.get_all_options()["prism_location"] == "no_such_file"
    assert runner.options(["--runner=PortableRunner", "--job_endpoint=embed"])


@pytest.mark.parametrize("name", ["PortableRunner", "FlinkRunner"])
def test_a_job_server_says_which_options_it_has(job_endpoint, name):
    assert runner.options([f"--runner={name}", job_endpoint, "--its_own", "3"])
    with pytest.raises(UserError, match=r"^--environment_typ=EXTERNAL is not a Beam option"):
        runner.options([f"--runner={name}", job_endpoint, "--environment_typ=EXTERNAL"])


def test_a_server_of_something_else_is_named():
    with socket.create_server(("localhost", 0)) as server:
        endpoint = f"--job_endpoint=localhost:{server.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"^{endpoint} is no job server of Beam \(\w+\)"):
            runner.options(["--runner=PortableRunner", endpoint])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--runner=PortableRunner"], "needs --job_endpoint=HOST:PORT"),
        (["--setup_file=no/setup.py"], "--setup_file=no/setup.py is missing"),
        (["--direct_num_workers=-3"], "--direct_num_workers must be at least 0"),
        (["--environment_type=EXTERNL"], "--environment_type=EXTERNL is none of Beam's"),
        (["--environment_type=EXTERNAL"], "external_service_address is required"),
    ],
)
def test_what_beam_would_find_later_is_told_at_once(args, words):
    with pytest.raises(UserError, match=rf"^--runner=\w+:? .*{words}") as error:
        runner.options(args)
    assert "\n" not in str(error.value)


def test_prism_is_that_beside_python(monkeypatch, tmp_path):
    monkeypatch.setattr("sysconfig.get_path", {"scripts": str(tmp_path)}.get)
    prism = tmp_path / "prism"
    with pytest.raises(UserError, match=rf"^--runner=PrismRunner needs {prism}, .* `make prism`"):
        runner.options(["--runner=PrismRunner"])
    prism.touch()
    given = runner.options(["--runner=PrismRunner"])
    assert given.get_all_options()["prism_location"] == str(prism)


def test_prism_is_never_downloaded():
    address = "https://github.com/apache/beam/releases/tag/v2.77.0"
    with pytest.raises(UserError, match=f"needs {address}, which is missing"):
        runner.options(["--runner=PrismRunner", f"--prism_location={address}"])


def test_missing_dask_is_named(monkeypatch):
    monkeypatch.delattr(sib_tf.beam, "dask_runner", raising=False)
    monkeypatch.setitem(sys.modules, "sib_tf.beam.dask_runner", None)
    with pytest.raises(UserError, match=r"--runner=DaskRunner needs Dask .* pip install"):
        runner.options(["--runner=DaskRunner"])


def test_a_file_system_unknown_to_beam_is_named():
    # TensorFlow knows it, Beam only with an extra.
    prefix = storage.path("gs://bucket/records")
    with pytest.raises(UserError, match=r"filesystem.*apache-beam\[gcp\].*gs://bucket/records"):
        runner.write_records(prefix, [0], beam.Map(lambda start: b"record"))
