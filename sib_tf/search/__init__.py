"""Search over the fields of a config with keras-tuner."""
