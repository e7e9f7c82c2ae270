"""The optimizers of meta-training that a config can name; SGD decays as the released code does."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from sib_tf.base.registry import Registry


@keras.saving.register_keras_serializable("sib_tf")
class SGDWithL2(keras.optimizers.SGD):
    """Nesterov SGD whose gradients carry an L2 term, for every trainable weight w with momentum m.

        g <- g + l2 * w;   m <- momentum * m - lr * g;   w <- w + momentum * m - lr * g

    Keras' own `weight_decay` is decoupled from the gradient and hence from momentum; PyTorch's, and
    so the paper's, is not. Keras also rounds the momentum to float32, here it keeps the precision
    of the weights.
    """

    def __init__(
        self, learning_rate: float = 1e-3, momentum: float = 0.9, l2: float = 5e-4, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **{**kwargs, "momentum": momentum, "nesterov": True})
        self.l2 = l2

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """One step for one variable; arguments as in `keras.Optimizer.update_step`."""
        learning_rate = tf.cast(learning_rate, variable.dtype)
        step = learning_rate * (tf.cast(gradient, variable.dtype) + self.l2 * variable)
        momentum = self.momentums[self._get_variable_index(variable)]
        momentum.assign(self.momentum * momentum - step)
        self.assign_add(variable, self.momentum * momentum - step)

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        config = super().get_config()
        del config["nesterov"]
        return {**config, "l2": self.l2}


def _adam(learning_rate: Any, l2: float, **kwargs: Any) -> keras.optimizers.Optimizer:
    """Adam; the weight decay is decoupled from the gradient (Loshchilov and Hutter, 2019)."""
    return keras.optimizers.AdamW(learning_rate, weight_decay=l2, **kwargs)


# Callable: learning rate or schedule, l2 and what any Keras optimizer takes -> optimizer.
OPTIMIZERS: Registry[Callable[..., keras.optimizers.Optimizer]] = Registry("optimizer")
OPTIMIZERS["sgd"] = SGDWithL2
OPTIMIZERS["adam"] = _adam
