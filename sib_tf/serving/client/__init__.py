"""A model behind TensorFlow Serving, to use in place of one in this process."""
