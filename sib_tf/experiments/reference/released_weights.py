"""Weights of the authors' released PyTorch code, by their PyTorch names, into our models."""

from collections.abc import Mapping

import keras
import numpy as np

from sib_tf.backbones import pytorch_layers
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.method.xi.dense import DenseSyntheticGradient

# Of BatchNorm. Where a model has no such variable, the released code never reads it either.
_STATISTICS = (".running_mean", ".running_var", ".num_batches_tracked")


def variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Released name -> our variable, of a classifier or a backbone of `registry.build`.

    Raises:
        ValueError: if the synthetic gradient of a classifier is not the paper's.
    """
    if isinstance(model, FewShotClassifier):
        return _classifier_variables(model)
    return {
        f"{layer.name}.{name}": variable
        for layer in model.layers
        for name, variable in pytorch_layers.variables(layer).items()
    }


def _classifier_variables(model: FewShotClassifier) -> dict[str, keras.Variable]:
    if not isinstance(model.xi, DenseSyntheticGradient):
        raise ValueError("The released weights are of a dense synthetic gradient network.")
    xi = model.xi.perceptron
    return {
        "bias": model.decoder.bias,
        "scale_cls": model.decoder.scale,
        "wnLayerFavg.weight": model.initialization.diagonal,
        "dni.layer1.0.weight": xi.dense1.kernel,
        "dni.layer1.0.bias": xi.dense1.bias,
        "dni.layer1.2.weight": xi.norm1.gamma,
        "dni.layer1.2.bias": xi.norm1.beta,
        "dni.layer2.0.weight": xi.dense2.kernel,
        "dni.layer2.0.bias": xi.dense2.bias,
        "dni.layer2.2.weight": xi.norm2.gamma,
        "dni.layer2.2.bias": xi.norm2.beta,
        "dni.layer3.weight": xi.dense3.kernel,
        "dni.layer3.bias": xi.dense3.bias,
    }


def to_keras_layout(array: np.ndarray, variable: keras.Variable) -> np.ndarray:
    """A released array in the layout of our variable.

    Convolutions [out, in, kh, kw] become [kh, kw, in, out], matrices [out, in] become [in, out],
    and vectors of one element a scalar if the variable is one.
    """
    array = np.asarray(array)
    if array.ndim == 4:
        return pytorch_layers.kernel(array)
    return array[0] if array.shape == (1,) and variable.ndim == 0 else array.T


def assign(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Copies released weights into a model, all of them or none.

    Args:
        model: classifier with the dense synthetic gradient, or backbone of `registry.build`.
        weights: PyTorch name -> array, from `state_dict()` of the released model. Batch counters,
            and running averages that our model lacks, are ignored.

    Raises:
        ValueError: if a name is missing or unknown, or a shape does not fit; names it.
    """
    ours = variables(model)
    given = {n: value for n, value in weights.items() if n in ours or not n.endswith(_STATISTICS)}
    if missing := sorted(ours.keys() - given.keys()):
        raise ValueError(f"Missing weights: {_listed(missing)}.")
    if unknown := sorted(given.keys() - ours.keys()):
        raise ValueError(f"Unknown weights: {_listed(unknown)}.")
    arrays = {name: to_keras_layout(given[name], variable) for name, variable in ours.items()}
    for name, variable in ours.items():
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                f"{name} has shape {np.shape(given[name])}, which does not fit {variable.shape}."
            )
    for name, variable in ours.items():
        variable.assign(arrays[name])


def _listed(names: list[str]) -> str:
    """The first few: another architecture differs in hundreds."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
