"""Keras callbacks: resuming, the best weights, divergence, the log."""
