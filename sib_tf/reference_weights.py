"""Weights of the authors' released PyTorch code, by their PyTorch names, into our layers."""

from collections.abc import Mapping

import keras
import numpy as np

from sib_tf.tasks.few_shot import FewShotClassifier


def _head_variables(model: FewShotClassifier) -> dict[str, keras.Variable]:
    """Released name -> our variable. Linear weights are [out, in] there, [in, out] here."""
    if model.synthetic_gradient != "dense":
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


def to_keras_layout(array: np.ndarray) -> np.ndarray:
    """A released array in our layout: matrices transposed, vectors of one element made scalars."""
    array = np.asarray(array)
    return array[0] if array.shape == (1,) else array.T


def assign(model: FewShotClassifier, weights: Mapping[str, np.ndarray]) -> None:
    """Copies released weights into a model, all of them or none.

    Args:
        model: a classifier with the dense synthetic gradient.
        weights: PyTorch name -> array, as in `SIB.state_dict()`. The running averages and batch
            counters of BatchNorm are passed over: the released code never reads them.

    Raises:
        ValueError: a name is missing or unknown, or a shape does not fit; the message names it.
    """
    variables = _head_variables(model)
    unused = (".running_mean", ".running_var", ".num_batches_tracked")
    given = {name: value for name, value in weights.items() if not name.endswith(unused)}
    if missing := sorted(variables.keys() - given.keys()):
        raise ValueError(f"Missing weights: {', '.join(missing)}.")
    if unknown := sorted(given.keys() - variables.keys()):
        raise ValueError(f"Unknown weights: {', '.join(unknown)}.")
    arrays = {name: to_keras_layout(given[name]) for name in variables}
    for name, variable in variables.items():
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                f"{name} has shape {np.shape(given[name])}, which does not fit {variable.shape}."
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])
