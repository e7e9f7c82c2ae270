"""Data sets: a TFDS builder in a folder each, and plain reading of what they prepared."""
