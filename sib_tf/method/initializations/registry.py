"""The initializations from a support set that a config can name.

An initialization is a Keras layer: `build((B, S, D))` creates its weights, and
`call(support_features, support_labels, way)` returns theta^0, float [B, N, D]. Its `any_features`
says whether the same weights serve any D.
"""

import keras

from sib_tf.base.registry import Registry
from sib_tf.method.initializations.prototypes import ClassMeans, PrototypeInitialization

INITIALIZATIONS: Registry[type[keras.layers.Layer]] = Registry("initialization")
INITIALIZATIONS["prototypes"] = PrototypeInitialization
INITIALIZATIONS["class_means"] = ClassMeans
