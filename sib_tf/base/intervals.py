"""Intervals."""

Z_95 = 1.96  # half width of a 95 % interval, in standard errors
