"""The classifier over the training classes that phi is pre-trained with."""

import math
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.decoders import CosineClassifier


@keras.saving.register_keras_serializable("sib_tf")
class BaseClassifier(keras.Model):
    """Cosine classifier over the training classes: logit_n = s * cos(phi(x), w_n).

    Args:
        phi: images [B, H, W, 3] to features [B, D].
        num_classes: N; the columns w_n start from a normal distribution of variance 2 / D.
    """

    def __init__(self, phi: keras.Model, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phi = phi
        self.decoder = CosineClassifier()
        dim = phi.output_shape[-1]
        self.weight = self.add_weight(
            name="weight",
            shape=(num_classes, dim),
            initializer=keras.initializers.RandomNormal(stddev=math.sqrt(2.0 / dim)),
        )
        self.decoder.build((None, None, dim))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Images [B, H, W, 3], values 0..255, to logits [B, N]."""
        features = self.phi(images, training=training)
        return self.decoder(features[tf.newaxis], self.weight[tf.newaxis])[0]

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "phi": keras.saving.serialize_keras_object(self.phi),
            "num_classes": self.weight.shape[0],
        }

    @classmethod
    def from_config(cls, config: dict) -> "BaseClassifier":
        """A fresh model; called by Keras when it loads one."""
        return cls(**{**config, "phi": keras.saving.deserialize_keras_object(config["phi"])})
