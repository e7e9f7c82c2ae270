"""Benchmarks; each module says what it measures, the baseline and the command."""

import jobs  # noqa: F401, sets up TensorFlow and logging as in the jobs
