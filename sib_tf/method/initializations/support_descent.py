"""theta^0 that has learned the support set, as logistic regression would."""

import math
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.decoders import CosineClassifier
from sib_tf.method.inference import unroll
from sib_tf.method.initializations.prototypes import ClassMeans
from sib_tf.method.support_gradient import support_gradient

_STEPS = 5
_RATE = 0.3  # at first


@keras.saving.register_keras_serializable("sib_tf")
class SupportDescent(ClassMeans):
    """The class means, then five steps down the cross-entropy of the support.

        theta^0  <-  theta^0 - rate * [d yhat / d theta^0]^T (softmax(yhat) - y) / S

    yhat are the logits of the support, of a cosine classifier with a scale and a bias of its own;
    these and the rate are learned. Here no gradient is synthetic. Few steps regularise as a penalty
    would. No weight depends on D. Not in the paper.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decoder = CosineClassifier(dtype=self.dtype_policy)

    def build(self, support_features_shape: tuple[int | None, ...], *_: tuple) -> None:
        """Creates the rate, and the two scalars of the classifier."""
        start = keras.initializers.Constant(math.log(_RATE))
        self.log_rate = self.add_weight(name="log_rate", shape=(), initializer=start)
        self.decoder.build(support_features_shape)

    def call(self, support_features: tf.Tensor, support_labels: tf.Tensor, way: int) -> tf.Tensor:
        """Theta^0, float [B, N, D]; arguments as of `ClassMeans.call`."""
        members = tf.one_hot(support_labels, way, on_value=True, off_value=False, dtype=tf.bool)
        gradient = partial(
            support_gradient,
            labels=support_labels,
            class_mask=tf.reduce_any(members, axis=1, keepdims=True),
        )
        return unroll(
            super().call(support_features, support_labels, way),
            predict=partial(self.decoder, support_features),
            synthetic_gradient=lambda logits: tf.exp(self.log_rate) * gradient(logits),
            step_size=1.0,
            num_steps=_STEPS,
        )[-1]
