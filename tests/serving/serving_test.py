"""The client of a served model against a server, over real sockets.

The server is the one in `model_server`, and TensorFlow Serving itself where it is installed.
"""

import csv
import dataclasses
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from sib_tf.base.errors import UserError
from sib_tf.serving import warmup
from sib_tf.serving.client import padding
from sib_tf.serving.client.model import connect
from sib_tf.serving.client.over_grpc import GrpcConnection
from sib_tf.serving.client.over_rest import RestConnection
from sib_tf.serving.client.target import Target
from sib_tf.serving.exported_model import ExportedModel
from sib_tf.serving.predict.prediction import PAGE_FILE, PREDICTIONS_FILE, classify_folder
from tests.running import job, unused_port
from tests.serving.model_server import ModelServer, batching_parameters
from tests.serving.model_server.binary import COMMAND, BinaryServer
from tests.serving.small_served import (
    MOST,
    NAME,
    SIZE,
    task,
    when_loaded,
    write_images,
    write_version,
)

CONFIGS = Path(__file__).parents[2] / "configs/serving"
BATCHING = (CONFIGS / "batching.config").read_text()
PROTOCOLS = pytest.mark.parametrize("rest", [False, True], ids=["grpc", "rest"])


def batching(size, seconds, pad=True):
    """Parameters of batches of `size` requests, which wait for that many for `seconds`."""
    return (
        f"max_batch_size {{ value: {size} }} batch_timeout_micros {{ value: {seconds * 10**6} }} "
        f"num_batch_threads {{ value: 1 }} pad_variable_length_inputs: {str(pad).lower()}"
    )


class Running:
    """A server with the ports that it listens on."""

    def __init__(self, server_class, base, **options):
        self.ports = {False: unused_port(), True: unused_port()}
        self._start = lambda: server_class(base, NAME, *self.ports.values(), **options)
        self._server = None

    def start(self):
        self._server = self._start()

    def stop(self):
        if self._server:
            self._server.stop()
        self._server = None

    def overload(self, requests):
        self._server.overload(requests)

    def address(self, rest):
        return f"127.0.0.1:{self.ports[rest]}"

    def connect(self, rest=False, model=NAME, timeout=30.0):
        return connect(self.address(rest), model, timeout=timeout, rest=rest)

    def channel(self):
        return grpc.insecure_channel(self.address(rest=False))

    def wait_for(self, version, state=ModelVersionStatus.AVAILABLE):
        """Waits until a version is in a state."""
        stub = ModelServiceStub(self.channel())
        request = GetModelStatusRequest(model_spec=ModelSpec(name=NAME))
        end, found = time.monotonic() + 60, {}
        while time.monotonic() < end:
            try:
                response = stub.GetModelStatus(request, wait_for_ready=True, timeout=30)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.NOT_FOUND
            else:
                found = {s.version: s for s in response.model_version_status}
                if version in found and found[version].state == state:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"version {version} is not in state {state}: {found}")


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """A SavedModel, the same for all tests since it takes time to load."""
    folder = tmp_path_factory.mktemp("exported") / "1"
    write_version(folder)
    return folder


@pytest.fixture(scope="module")
def local(version):
    """The model in this process."""
    return ExportedModel(version)


@pytest.fixture(scope="module", params=[ModelServer, BinaryServer])
def server_class(request):
    if request.param is BinaryServer and not shutil.which(COMMAND):
        pytest.skip(f"{COMMAND} is not installed")
    return request.param


@pytest.fixture(scope="module")
def run(server_class):
    """A function that starts a server for a folder with version 1; all stop after the tests."""
    with ExitStack() as stack:

        def run(base, **options):
            running = Running(server_class, base, **options)
            stack.callback(running.stop)
            running.start()
            running.wait_for(1)
            return running

        yield run


@pytest.fixture(scope="module")
def server(run, version):
    """A server with the batching of docs/serving.md."""
    return run(version.parent, batching=BATCHING)


@pytest.fixture(scope="module")
def cold(version, tmp_path_factory):
    """The same model without warm-up requests, which would wait for a batch to fill."""
    folder = tmp_path_factory.mktemp("cold") / "1"
    return shutil.copytree(version, folder, ignore=shutil.ignore_patterns("assets.extra"))


@pytest.fixture(scope="module")
def patient(run, cold):
    """A server that waits for four requests to fill a batch."""
    return run(cold.parent, batching=batching(size=4, seconds=15))


OF_MANY_SIZES = [
    task((1, 2, 1), queries=7, seed=1),
    task((3, 1), queries=2, seed=2),
    task((1, 1, 1, 1, 1), queries=20, seed=3),
    task((2, 2, 2, 2), queries=1, seed=4),
]


def at_once(functions):
    """Calls functions at the same time; returns the result or the error of each."""
    barrier = threading.Barrier(len(functions))

    def call(function):
        barrier.wait()
        try:
            return function()
        except (UserError, grpc.RpcError) as error:
            return error

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(call, functions))


def raw_request(signature="", **inputs):
    request = PredictRequest(model_spec=ModelSpec(name=NAME, signature_name=signature))
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def inputs_of(task):
    return {name: value[np.newaxis] for name, value in padding.pad(task)._asdict().items()}


def raw_predict(server, request):
    return PredictionServiceStub(server.channel()).Predict(request, timeout=30)


def test_padding_comes_first_and_no_image_is_taken_for_it():
    whole = task((1, 1), queries=3)
    whole.query_images[1] = 0
    padded = padding.pad(whole)
    assert padded.support_labels.tolist() == [-1, 0, 1]
    assert padded.support_labels.dtype == np.int32
    assert not padded.support_images[0].any()
    np.testing.assert_array_equal(padded.support_images[1:], whole.support_images)
    assert padded.query_images.any(axis=(1, 2, 3)).tolist() == [False, True, True, True]
    np.testing.assert_array_equal(padded.query_images[[1, 3]], whole.query_images[[0, 2]])
    assert padded.query_images[2].sum() == 1


@PROTOCOLS
def test_the_server_says_what_the_model_takes(server, rest):
    model = server.connect(rest)
    assert model.image_size == (SIZE, SIZE)
    assert model.num_classes is None


@PROTOCOLS
@pytest.mark.parametrize("sizes", [((1, 1), 1), ((2, 1, 3), 9)])
def test_answers_are_those_of_the_model_in_this_process(server, local, rest, sizes):
    whole = task(*sizes)
    found = server.connect(rest).classify(whole)
    assert {of_all.dtype for of_all in found} == {np.dtype(np.float32)}
    np.testing.assert_allclose(found, local.classify(whole), atol=1e-5)


@PROTOCOLS
def test_requests_of_different_sizes_share_a_batch_and_keep_their_answers(patient, local, rest):
    models = [patient.connect(rest, timeout=60) for _ in OF_MANY_SIZES]
    start = time.monotonic()
    found = at_once(
        [lambda m=m, e=e: m.classify(e) for m, e in zip(models, OF_MANY_SIZES, strict=True)]
    )
    # Four fill a batch. Any smaller batch would have waited for more.
    assert time.monotonic() - start < 12
    for probabilities, whole in zip(found, OF_MANY_SIZES, strict=True):
        np.testing.assert_allclose(probabilities, local.classify(whole), atol=1e-5)


def test_a_bad_request_fails_its_batch_and_no_other(patient, local):
    model, whole = patient.connect(), task()
    bad = inputs_of(whole) | {"query_images": np.zeros([1, 2, SIZE, SIZE, 4], np.uint8)}
    stub = PredictionServiceStub(patient.channel())
    good = [lambda: model.classify(whole)] * 3
    *together, alone = at_once([*good, lambda: stub.Predict(raw_request(**bad), timeout=30)])
    assert alone.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert all(alone.details().split("\n")[0] in str(error) for error in together)
    for found in at_once(good + good[:1]):
        np.testing.assert_allclose(found, local.classify(whole), atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {
            "support_images": np.zeros([1, 5, 8, 8, 3], np.uint8),
            "query_images": np.zeros([1, 8, 8, 8, 3], np.uint8),
        },
        {"support_labels": np.array([[-1, 0, 1, 2]], np.int32)},
    ],
    ids=["small images", "a label too few"],
)
def test_a_bad_request_is_padded_and_answered_beside_a_larger_one(server, patient, local, change):
    """Why `ServedModel` checks what it sends."""
    whole = task((1, 2, 1), queries=7)
    bad = raw_request(**inputs_of(whole) | change)
    with pytest.raises(grpc.RpcError) as alone:
        raw_predict(server, bad)
    assert alone.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    model = patient.connect()
    *good, answer = at_once(
        [*[lambda: model.classify(whole)] * 3, lambda: raw_predict(patient, bad)]
    )
    assert tf.make_ndarray(answer.outputs["probabilities"]).shape == (1, 8, 3)
    for found in good:
        np.testing.assert_allclose(found, local.classify(whole), atol=1e-5)


def test_without_padding_unequal_requests_are_refused_together(run, cold):
    server = run(cold.parent, batching=batching(size=2, seconds=4, pad=False))
    model = server.connect()
    errors = at_once([lambda e=e: model.classify(e) for e in OF_MANY_SIZES[:2]])
    for error in errors:
        assert "FAILED_PRECONDITION: Tensors with name" in str(error)
        assert "padding is turned off" in str(error)


@PROTOCOLS
def test_a_bad_request_is_refused_with_the_message_of_the_server(server, local, rest):
    model, whole = server.connect(rest), task()
    bad = dataclasses.replace(whole, support_labels=whole.support_labels[:-1])
    words = f"^127.0.0.1:.* '{NAME}' refuses .*support_images, support_labels must be equal"
    connection = (RestConnection if rest else GrpcConnection)(
        Target(server.address(rest), NAME, timeout=10)
    )
    with pytest.raises(UserError, match=words) as caught:
        connection.answers(padding.pad(bad))
    assert "\n" not in str(caught.value)
    np.testing.assert_allclose(model.classify(whole), local.classify(whole), atol=1e-5)


@PROTOCOLS
def test_a_request_with_too_many_queries_is_refused_and_the_next_one_answered(server, local, rest):
    model, whole = server.connect(rest), task(queries=MOST)
    words = f"'{NAME}' refuses .*query_images must be no more than {MOST} in .*{MOST + 1}"
    with pytest.raises(UserError, match=words) as caught:
        model.classify(task(queries=MOST + 1))
    assert "\n" not in str(caught.value)
    np.testing.assert_allclose(model.classify(whole), local.classify(whole), atol=1e-5)


@PROTOCOLS
def test_a_task_that_does_not_fit_the_model_is_refused_before_it_is_sent(server, rest):
    whole = task()
    small = dataclasses.replace(
        whole,
        support_images=whole.support_images[:, :8, :8],
        query_images=whole.query_images[:, :8, :8],
    )
    with pytest.raises(UserError, match=r"^support_images: have the shape \[4, 8, 8, 3\]"):
        server.connect(rest).classify(small)


@PROTOCOLS
def test_a_missing_model_is_named(server, rest):
    with pytest.raises(UserError, match=f"^{server.address(rest)}: serves no model 'dog/cat'; "):
        server.connect(rest, model="dog/cat")


@PROTOCOLS
def test_a_closed_port_is_named(rest):
    address = f"127.0.0.1:{unused_port()}"
    with pytest.raises(UserError, match=f"^{address}: is not available .*refused.*--server"):
        connect(address, NAME, timeout=30, rest=rest)


@pytest.mark.slow
def test_the_port_of_the_other_protocol_is_refused(server):
    with pytest.raises(UserError, match=r"is not available .* gRPC and --rest have a port each"):
        connect(server.address(rest=False), NAME, timeout=30, rest=True)


@pytest.mark.slow
@PROTOCOLS
def test_the_client_waits_for_a_server_that_restarts(server_class, version, local, rest):
    server = Running(server_class, version.parent)
    threading.Timer(0.5, server.start).start()
    try:
        # Larger than what gRPC itself buffers for retries.
        whole = task((2, 2), queries=300 * 1024 // (3 * SIZE**2))
        model = when_loaded(lambda: server.connect(rest))
        server.stop()
        restart = threading.Timer(0.5, server.start)
        restart.start()
        found = when_loaded(lambda: model.classify(whole))
        np.testing.assert_allclose(found, local.classify(whole), atol=1e-5)
        restart.join()
    finally:
        server.stop()


@PROTOCOLS
def test_an_overloaded_server_is_asked_again(server_class, server, local, rest):
    if server_class is BinaryServer:
        pytest.skip("is not overloaded at will")
    model, whole = server.connect(rest), task()
    server.overload(requests=2)
    np.testing.assert_allclose(model.classify(whole), local.classify(whole), atol=1e-5)
    server.overload(requests=10**6)
    with pytest.raises(UserError, match=r"is not available \(The batch scheduling queue"):
        model.classify(whole)
    server.overload(requests=0)


@PROTOCOLS
def test_the_timeout_is_kept(patient, rest):
    model = patient.connect(rest, timeout=0.5)
    start = time.monotonic()
    with pytest.raises(UserError, match=f"^{patient.address(rest)}: has not answered in 0.5 s"):
        model.classify(task())
    assert 0.4 < time.monotonic() - start < 1.5


@PROTOCOLS
def test_the_timeout_includes_retries(rest):
    start = time.monotonic()
    with pytest.raises(UserError, match=r"has not answered in 0\.3 s"):
        connect(f"127.0.0.1:{unused_port()}", NAME, timeout=0.3, rest=rest)
    assert time.monotonic() - start < 1.5


def test_a_request_over_the_limit_of_the_server_is_too_large(run, version):
    model = run(version.parent, max_message_bytes=20_000).connect()
    assert model.classify(task()).probabilities.shape == (7, 3)
    with pytest.raises(UserError, match=r"request is too large .*20000.*fewer images"):
        model.classify(task(queries=200))


@PROTOCOLS
def test_a_model_of_other_signatures_is_refused(run, tmp_path, rest):
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x})
    signature = module.double.get_concrete_function(tf.TensorSpec([None], tf.float32, "x"))
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": signature})
    expected = "'serving_default' of the model 'few shot' should be .* but is x -> y; name a model"
    with pytest.raises(UserError, match=expected):
        run(tmp_path).connect(rest)


def test_a_model_for_images_of_any_size_is_refused(run, tmp_path):
    module = tf.Module()

    @tf.function
    def classify(support_images, support_labels, query_images):
        sizes = [tf.size(x) for x in (support_images, support_labels, query_images)]
        probabilities = tf.fill([1, 1, 2], tf.cast(sum(sizes), tf.float32))
        return {"probabilities": probabilities, "inductive_probabilities": -probabilities}

    module.classify = classify
    images = [None, None, None, None, 3]
    signature = module.classify.get_concrete_function(
        support_images=tf.TensorSpec(images, tf.uint8),
        support_labels=tf.TensorSpec([None, None], tf.int32),
        query_images=tf.TensorSpec(images, tf.uint8),
    )
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": signature})
    with pytest.raises(UserError, match=r"'serving_default' .* but is for images of any size; "):
        run(tmp_path).connect()


def test_over_http_a_model_without_image_files_is_refused(run, tmp_path, version):
    model = tf.saved_model.load(str(version))
    signatures = {"serving_default": model.signatures["serving_default"]}
    tf.saved_model.save(model, str(tmp_path / "1"), signatures=signatures)
    server = run(tmp_path)
    assert server.connect(rest=False).image_size == (SIZE, SIZE)
    with pytest.raises(UserError, match=r"'encoded' .*string \[B,S\].* but is not there"):
        server.connect(rest=True)


@pytest.mark.parametrize(
    "address", ["", "localhost", "localhost:", "localhost:x", ":8500", "http://a:1", "a:1/b", "a:0"]
)
def test_a_malformed_address_is_refused(address):
    with pytest.raises(UserError, match=f"^--server={address}: is not of the form HOST:PORT"):
        connect(address, NAME, timeout=1)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_not_positive_is_refused(timeout):
    with pytest.raises(UserError, match=f"^--timeout={timeout}: must be a positive"):
        connect("localhost:8500", NAME, timeout=timeout)


def test_a_new_version_is_picked_up_and_a_half_written_one_is_not(run, tmp_path, version, local):
    shutil.copytree(version, tmp_path / "1")
    server = run(tmp_path)
    model, whole = server.connect(), task()
    shutil.copytree(version, tmp_path / ".partial-2")
    (tmp_path / ".partial-2" / "saved_model.pb").unlink()
    np.testing.assert_allclose(model.classify(whole), local.classify(whole), atol=1e-5)
    shutil.copy(version / "saved_model.pb", tmp_path / ".partial-2")
    (tmp_path / ".partial-2").rename(tmp_path / "2")
    while version_that_answers(server, whole) != 2:
        time.sleep(0.02)
    np.testing.assert_allclose(model.classify(whole), local.classify(whole), atol=1e-5)
    server.wait_for(1, ModelVersionStatus.END)


def test_a_version_that_cannot_be_loaded_or_warmed_up_replaces_none(
    server_class, run, tmp_path, version
):
    if server_class is BinaryServer:
        pytest.skip("tries again for minutes")
    shutil.copytree(version, tmp_path / "1")
    server = run(tmp_path)
    (tmp_path / "2").mkdir()
    server.wait_for(2, ModelVersionStatus.END)
    shutil.copytree(version, tmp_path / "partial")
    bad = inputs_of(task()) | {"support_labels": np.zeros([1, 1], np.int32)}
    write_warmup(tmp_path / "partial", raw_request(**bad))
    (tmp_path / "partial").rename(tmp_path / "3")
    server.wait_for(3, ModelVersionStatus.END)
    assert version_that_answers(server, task()) == 1


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            {"signature": "absent"},
            grpc.StatusCode.FAILED_PRECONDITION,
            'Serving signature key "absent" not found.',
        ),
        (
            {"support_labels": None},
            grpc.StatusCode.INVALID_ARGUMENT,
            "input size does not match signature: 2!=3 len({query_images,support_images}) != "
            "len({query_images,support_images,support_labels}). Sent extra: {}. "
            "Missing but required: {support_labels}.",
        ),
        (
            {"more": np.zeros(1)},
            grpc.StatusCode.INVALID_ARGUMENT,
            "Sent extra: {more}. Missing but required: {}.",
        ),
        (
            {"support_labels": None, "more": np.zeros(1)},
            grpc.StatusCode.INVALID_ARGUMENT,
            "Signature input alias: support_labels(feed name: ",
        ),
        (
            {"support_labels": np.zeros([1, 5], np.float32)},
            grpc.StatusCode.INVALID_ARGUMENT,
            "Expects arg[2] to be int32 but float is provided",
        ),
        (
            {"support_labels": np.zeros([2, 5], np.int32)},
            grpc.StatusCode.INVALID_ARGUMENT,
            "Batching Run() input tensors must have equal 0th-dimension size",
        ),
        (
            {
                "support_labels": np.zeros([9, 2], np.int32),
                "support_images": np.zeros([9, 2, SIZE, SIZE, 3], np.uint8),
                "query_images": np.zeros([9, 2, SIZE, SIZE, 3], np.uint8),
            },
            grpc.StatusCode.INVALID_ARGUMENT,
            "Task size 9 is larger than maximum input batch size 8",
        ),
    ],
)
def test_the_server_refuses_as_tensorflow_serving_does(server, change, code, words):
    inputs = {**inputs_of(task()), **change}
    request = raw_request(**{name: x for name, x in inputs.items() if x is not None})
    with pytest.raises(grpc.RpcError) as caught:
        raw_predict(server, request)
    assert caught.value.code() == code
    assert words in caught.value.details()


def test_an_output_filter_is_applied(server):
    request = raw_request(**inputs_of(task()))
    request.output_filter.append("labels")
    assert list(raw_predict(server, request).outputs) == ["labels"]


@pytest.mark.parametrize(
    ("request_json", "words"),
    [
        (None, "The document is empty"),
        ({"signature_name": "absent"}, 'Serving signature name: "absent" not found in signature'),
        ({"signature_name": "features"}, "Missing 'inputs' or 'instances' key"),
        ({"signature_name": "features", "inputs": {}}, "Missing named input: "),
        ({"signature_name": "embed", "inputs": [["a"]]}, 'JSON Value: "a" Type: String is not of'),
        (
            {"signature_name": "embed", "inputs": [[1], [2, 3]]},
            "Encountered list at unexpected size: 2 at level: 1 expected size: 1",
        ),
        ({"signature_name": "embed", "inputs": [1, [2]]}, "Encountered list at unexpected level"),
    ],
)
def test_the_server_refuses_json_as_tensorflow_serving_does(server, request_json, words):
    url = f"http://{server.address(rest=True)}/v1/models/{NAME}:predict"
    response = requests.post(url, json=request_json, timeout=30)
    assert response.status_code == 400
    assert words in response.json()["error"]


def test_rows_in_json_are_answered_in_rows(server, local):
    whole = task()
    instance = {name: value[0].tolist() for name, value in inputs_of(whole).items()}
    url = f"http://{server.address(rest=True)}/v1/models/{NAME}:predict"
    answer = requests.post(url, json={"instances": [instance, instance]}, timeout=30).json()
    first, second = answer["predictions"]
    assert first == second
    np.testing.assert_allclose(first["probabilities"][1:], local.classify(whole)[0], atol=1e-5)


def test_configs_parse():
    models = text_format.Parse((CONFIGS / "models.config").read_text(), ModelServerConfig())
    (config,) = models.model_config_list.config
    assert (config.name, config.model_platform) == ("glyphs", "tensorflow")
    parameters = batching_parameters.parse(BATCHING)
    assert parameters.pad_variable_length_inputs
    assert parameters.max_batch_size.value == 8


@PROTOCOLS
def test_a_folder_is_classified_as_by_the_model_in_this_process(server, local, tmp_path, rest):
    whole = task((2, 2), queries=3)
    write_images(tmp_path, whole)
    rows = {}
    for name, model in {"here": local, "there": server.connect(rest)}.items():
        classify_folder(model, tmp_path / "support", tmp_path / "query", tmp_path / name)
        with (tmp_path / name / PREDICTIONS_FILE).open(newline="") as file:
            rows[name] = list(csv.DictReader(file))
    for here, there in zip(rows["here"], rows["there"], strict=True):
        assert there["label"] == here["label"]
        for name in ("p(0)", "probability", "probability_k0"):
            assert float(there[name]) == pytest.approx(float(here[name]), abs=1e-5)
    words = "What accuracy to expect is not known: a server is not asked"
    pages = [(tmp_path / name / PAGE_FILE).read_text() for name in ("here", "there")]
    assert [words in page for page in pages] == [False, True]


@pytest.mark.slow
def test_the_job_asks_a_server(server, tmp_path):
    whole = task((1, 2), queries=3)
    write_images(tmp_path, whole)
    args = [f"--{name}={tmp_path / name}" for name in ("support", "query", "output")]
    server_args = [f"--server={server.address(rest=True)}", "--rest", f"--model={NAME}"]
    result = job("predict", *args, *server_args)
    assert result.stdout.startswith("Classified 3 images"), result.stderr
    assert (tmp_path / "output" / PREDICTIONS_FILE).exists()


def version_that_answers(server, task):
    request = raw_request(**inputs_of(task))
    return raw_predict(server, request).model_spec.version.value


def write_warmup(folder, request):
    log = PredictionLog()
    log.predict_log.request.CopyFrom(request)
    with tf.io.TFRecordWriter(str(folder / warmup.FILE)) as writer:
        writer.write(log.SerializeToString())
