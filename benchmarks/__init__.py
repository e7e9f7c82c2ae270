"""What is measured, against what, with which command."""

import jobs  # noqa: F401, to compute as the jobs do and print no more than they
