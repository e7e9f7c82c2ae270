"""The absl binaries, one for each step of an experiment."""
