"""BatchNorm as in PyTorch, which the paper's backbones were trained with."""

import keras


def batch_norm(name: str) -> keras.layers.BatchNormalization:
    """BatchNorm with PyTorch's constants; Keras' defaults are 1e-3 and 0.99."""
    return keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=name)
