"""Keras models: a lambda, a xi and a decoder around `inference.unroll`."""
