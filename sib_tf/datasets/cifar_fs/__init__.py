"""CIFAR-FS: CIFAR-100 cut into training, validation and test classes."""
