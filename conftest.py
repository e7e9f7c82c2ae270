"""The environment of all tests."""

import os
import tempfile

import pytest

# Set before TensorFlow is imported, as in the jobs, so that tests compute the same results.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# TFDS makes a folder for downloads, by default in the home, where a sandbox lets nobody write.
os.environ.setdefault("TFDS_DATA_DIR", f"{tempfile.gettempdir()}/sib_tf_tests_tfds")


@pytest.fixture(scope="session")
def bfloat16() -> None:
    """Skips tests where convolutions in bfloat16 do not run.

    TensorFlow asks the CPU whether it has them, oneDNN may be held to an older one.
    """
    import tensorflow as tf

    image, kernel = tf.zeros([1, 4, 4, 3], tf.bfloat16), tf.zeros([3, 3, 3, 4], tf.bfloat16)
    try:
        tf.nn.conv2d(image, kernel, strides=1, padding="SAME")
    except tf.errors.AbortedError:
        pytest.skip("oneDNN is held to a CPU without bfloat16, which this one has")
