"""Jobs drop the noise of their libraries from what is printed, and nothing else."""

import logging
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest

from jobs import _quiet as quiet
from sib_tf.beam.prism import PrismJobServer

ROOT = Path(__file__).parents[2]
DAMAGED_EXIF = r"from PIL import Image; Image.Exif().load(b'MM\0*\xff\xff\xff\xff')"


def run(program, **variables):
    own = ("TF_", "KERAS_")  # jobs set some in this process, too
    environment = {name: os.environ[name] for name in os.environ if not name.startswith(own)}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_noise_is_dropped_from_stderr_and_the_rest_keeps_its_order(capfd):
    with quiet.left_out("noise"):
        os.write(2, b"noise\nan error, not noise, ")
        os.write(2, b"in two pieces\nnoise again\nunfinished, ")
    os.write(2, b"noise afterwards\n")
    expected = "an error, not noise, in two pieces\nunfinished, noise afterwards\n"
    assert capfd.readouterr().err == expected


def test_messages_before_a_failed_import_come_through(capfd):
    with pytest.raises(ImportError), quiet.left_out("noise"):
        os.write(2, b"libtensorflow.so is not there\n")
        raise ImportError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "libtensorflow.so is not there\nafterwards\n"


@pytest.mark.slow
def test_the_last_messages_of_a_killed_process_group_come_through():
    program = """
import os, signal, sys
sys.path.insert(0, "jobs")  # without the package, which imports TensorFlow
import _quiet as quiet
os.setsid()
with quiet.left_out("noise"):
    os.write(2, b"noise\\nthese instructions are not of this CPU\\n")
    os.killpg(os.getpid(), signal.SIGKILL)
"""
    result = run(program)
    assert result.returncode == -signal.SIGKILL
    assert result.stderr == "these instructions are not of this CPU\n"


ERROR_303 = (
    "failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)"
)
ERROR_100 = (
    "failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: CUDA_ERROR_NO_DEVICE"
)


@pytest.mark.parametrize(
    ("line", "left_out"),
    [
        ("WARNING: All log messages before absl::InitializeLog() is called are written to", True),
        ("I0000 00:00:1795784480.775039    6045 port.cc:153] oneDNN custom operations are", True),
        ("W0000 00:00:1758131437.322781    3722 computation_placer.cc:177] already", True),
        (f"E0000 00:00:1795784502.236567    6045 cuda_platform.cc:52] {ERROR_303}", True),
        (f"E0000 00:00:1795784502.236567    6045 cuda_platform.cc:52] {ERROR_100}", False),
        ("E0000 00:00:1795784502.236567    6045 gpu_device.cc:70] out of memory (303)", False),
        ("F0000 00:00:1795784502.236567    6045 cpu_feature_guard.cc:81] compiled to use", False),
        ("Traceback (most recent call last):", False),
        ("ImportWarning: No module named 'tensorflow'", False),
    ],
)
def test_noise_is_what_the_log_level_hides_and_a_missing_gpu_driver(line, left_out):
    assert bool(re.match(quiet.TENSORFLOW_NOISE, line)) == left_out


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (logging.INFO, r"\d\d:\d\d:\d\d train: done in 3 s"),
        (logging.WARNING, r"\d\d:\d\d:\d\d warning: train: done in 3 s"),
    ],
)
def test_log_lines_have_the_time_and_the_level_of_warnings(level, line):
    record = logging.LogRecord(
        "sib_tf", level, "file.py", 1, "%s: done in %d s", ("train", 3), None
    )
    assert re.fullmatch(line, quiet.Line().format(record))


@pytest.mark.parametrize(
    ("file", "message", "is_news"),
    [
        ("subprocess_server.py", "Really starting service at localhost:1 with cmd: prism", False),
        ("portable_runner.py", "bundle inst001 stage-001 failed: Traceback", False),
        ("core.py", "Traceback", True),
    ],
)
def test_news_is_what_no_error_says_again(file, message, is_news):
    record = logging.LogRecord("root", logging.ERROR, file, 1, "%s", (message,), None)
    assert quiet.is_news(record) == is_news


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ('{"level":"ERROR","msg":"job failed","error":"folder/7; No space left"}', False),
        ('{"msg":"log from SDK worker","sdk":{"msg":"slow disk"}}', True),
        ('{"msg":"log from SDK worker","sdk":{"msg":"Error processing instruction"}}', False),
        ("panic: failed to listen: listen tcp: address 99999999: invalid port", True),
    ],
)
def test_of_prism_remain_crashes_and_what_its_workers_say(line, printed):
    record = logging.LogRecord("PrismJobServer", logging.INFO, "file.py", 1, line, None, None)
    assert quiet.is_not_of_job(record) == printed


def test_jobs_filter_what_prism_says():
    assert quiet.is_not_of_job in logging.getLogger(PrismJobServer.__name__).filters


@pytest.mark.parametrize(("error", "printed"), [(grpc.RpcError, False), (ValueError, True)])
def test_a_thread_that_has_lost_its_server_prints_nothing(error, printed, capsys):
    ended = threading.ExceptHookArgs((error, error("gone"), None, threading.current_thread()))
    quiet.print_thread_error(ended)
    assert bool(capsys.readouterr().err) == printed


@pytest.fixture(scope="module")
def another_backend():
    """A start of the jobs with another backend of Keras and all of TensorFlow's messages."""
    program = f"import jobs, keras, sib_tf; print(keras.config.backend()); {DAMAGED_EXIF}"
    return run(program, KERAS_BACKEND="jax", TF_CPP_MIN_LOG_LEVEL="0")


@pytest.mark.slow
def test_log_level_0_keeps_all_messages_of_tensorflow(another_backend):
    assert re.search(quiet.TENSORFLOW_NOISE, another_backend.stderr)


@pytest.mark.slow
def test_jobs_set_the_backend_of_keras_and_say_so(another_backend):
    assert another_backend.stdout == "tensorflow\n"
    words = "KERAS_BACKEND=jax is set aside: jobs compute with TensorFlow."
    assert another_backend.stderr.splitlines().count(words) == 1


@pytest.mark.slow
def test_jobs_drop_what_pillow_says_of_damaged_exif(another_backend):
    assert "EXIF" in run(DAMAGED_EXIF).stderr
    assert "EXIF" not in another_backend.stderr


@pytest.mark.slow
def test_jobs_enable_onednn_and_the_library_sets_neither_that_nor_a_backend():
    settings = "[os.environ.get(name) for name in ('TF_ENABLE_ONEDNN_OPTS', 'KERAS_BACKEND')]"
    program = f"import os, sib_tf; print({settings}); import jobs; print({settings})"
    assert run(program).stdout == "[None, None]\n['1', 'tensorflow']\n"


@pytest.mark.slow
def test_the_library_refuses_another_backend(tmp_path):
    words = (
        "ImportError: sib_tf computes with TensorFlow, but the backend of Keras is jax: set "
        "KERAS_BACKEND=tensorflow before Keras is imported."
    )
    result = run("import sib_tf", KERAS_BACKEND="jax")
    assert result.stderr.splitlines()[-1] == words
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    result = run("import sib_tf", KERAS_HOME=str(tmp_path))
    assert result.stderr.splitlines()[-1] == words
