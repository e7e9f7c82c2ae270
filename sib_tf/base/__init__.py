"""What every room stands on: errors, ranges, files that are there whole or not at all.

Knows nothing of the rest.
"""
