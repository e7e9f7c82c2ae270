import pytest
import tensorflow as tf

from sib_tf.base.errors import first_line, lines


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("\n  first\nsecond"), "first"),
        (OSError(2, "No such file", "a.png"), "[Errno 2] No such file: 'a.png'"),
        (OSError(), "OSError"),
        (ValueError(" \n "), "ValueError"),
        (KeyError("embed"), "embed"),
        (KeyError(3), "3"),
        (KeyError(), "KeyError"),
        (KeyError(""), "KeyError"),
        (AttributeError(KeyError("no field `way`")), "no field `way`"),
        (tf.errors.DataLossError(None, None, "truncated\nat 3"), "truncated"),
        (tf.errors.DataLossError(None, None, ""), "DataLossError"),
    ],
)
def test_the_first_line_of_an_error(error, line):
    assert first_line(error) == line


def test_the_first_line_of_a_graph_error_is_its_message():
    with tf.Graph().as_default():
        op = tf.constant(1).op
    assert first_line(tf.errors.DataLossError(None, op, "truncated")) == "truncated"


def test_blank_lines_are_dropped():
    assert lines(ValueError("first\n\n second \n")) == ["first", "second"]
