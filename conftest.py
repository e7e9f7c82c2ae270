"""The environment of all tests."""

import os
import tempfile

# Set before TensorFlow is imported, as in the jobs, so that tests compute the same results.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# TFDS makes a folder for downloads, by default in the home, where a sandbox lets nobody write.
os.environ.setdefault("TFDS_DATA_DIR", f"{tempfile.gettempdir()}/sib_tf_tests_tfds")
