"""Checkpoints of the authors' released code."""
