"""Experiments: steps with a folder each, the task families, what is published."""
