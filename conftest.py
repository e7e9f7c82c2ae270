"""What all tests run with."""

import os

# What the jobs set before TensorFlow is imported, so that tests compute what they compute.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
