import apache_beam as beam
import pytest
import tensorflow as tf

from sib_tf import beam_runner
from sib_tf.errors import UserError


def fail(error):
    raise error


@pytest.mark.parametrize("mode", ["in_memory", "multi_threading"])
@pytest.mark.parametrize(
    "error",
    [
        UserError("folder/7.png cannot be read: remove it."),
        tf.errors.ResourceExhaustedError(None, None, "folder/7; No space left on device"),
    ],
)
def test_errors_of_workers_come_out_as_one_line(error, mode):
    options = beam_runner.options([f"--direct_running_mode={mode}"])
    with (
        pytest.raises(UserError) as caught,
        beam_runner.plain_errors(),
        beam.Pipeline(options=options) as pipeline,
    ):
        _ = pipeline | beam.Create([error]) | beam.Map(fail)
    assert str(caught.value) == getattr(error, "message", str(error))


def test_errors_of_the_program_keep_their_traceback():
    with (
        pytest.raises(ZeroDivisionError),
        beam_runner.plain_errors(),
        beam.Pipeline(options=beam_runner.options([])) as pipeline,
    ):
        _ = pipeline | beam.Create([0]) | beam.Map(lambda x: 1 / x)


def test_without_a_runner_nothing_is_downloaded():
    assert beam_runner.options([]).get_all_options()["runner"] == "FnApiRunner"
    given = beam_runner.options(["--runner=DirectRunner"])
    assert given.get_all_options()["runner"] == "DirectRunner"
