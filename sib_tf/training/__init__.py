"""Training with Keras' `fit`: of phi, and of task models on episodes."""
