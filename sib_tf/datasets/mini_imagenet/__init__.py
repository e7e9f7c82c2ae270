"""mini-ImageNet of Ravi and Larochelle as a TFDS data set."""
