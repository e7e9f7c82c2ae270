"""What all tests run with."""

import os
import tempfile

# What the jobs set before TensorFlow is imported, so that tests compute what they compute.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# TFDS makes a folder for downloads here, by default in the home, which a sandbox does not let write.
os.environ.setdefault("TFDS_DATA_DIR", os.path.join(tempfile.gettempdir(), "sib_tf_tests_tfds"))
