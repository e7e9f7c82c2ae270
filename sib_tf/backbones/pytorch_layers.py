"""Weights of convolutions and BatchNorm as PyTorch names and lays them out."""

import keras
import numpy as np


def variables(layer: keras.layers.Layer) -> dict[str, keras.Variable]:
    """PyTorch's name of a weight of a layer -> our variable; empty if the layer has none."""
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        return {"weight": layer.kernel}
    if isinstance(layer, keras.layers.BatchNormalization):
        return {
            "weight": layer.gamma,
            "bias": layer.beta,
            "running_mean": layer.moving_mean,
            "running_var": layer.moving_variance,
        }
    return {}


def kernel(array: np.ndarray, *, depthwise: bool = False) -> np.ndarray:
    """A kernel in the layout of Keras.

    Args:
        array: kernel [out, in, kh, kw], where `in` is 1 if it is depthwise.
        depthwise: whether each channel is convolved by itself.

    Returns:
        Kernel [kh, kw, in, out], or [kh, kw, channels, 1] if it is depthwise.
    """
    return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
