"""Any image classification of TensorFlow Datasets, divided by class."""
