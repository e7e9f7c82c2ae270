"""The classifier that phi is pre-trained with: what an image shows, and which way up it is."""

import math
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.decoders import CosineClassifier
from sib_tf.method.rotation import TURNS, turn_logits


@keras.saving.register_keras_serializable("sib_tf")
class SourceClassifier(keras.Model):
    """Class and rotation of images of labelled domains, both through the same weights.

        model(images)  ->  {"label": class logits [B, N], "turn": rotation logits [B, 4]}

    The first is a cosine classifier, logit_n = s * cos(phi(x), theta_n), the second
    `rotation.turn_logits`. What is learned here is where the method starts from: theta becomes
    lambda, and V and the scale go with it.

    Args:
        phi: images [B, H, W, 3] to features [B, D].
        num_classes: N.
    """

    def __init__(self, phi: keras.Model, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phi = phi
        self.decoder = CosineClassifier()
        dim = phi.output_shape[-1]
        start = keras.initializers.RandomNormal(stddev=math.sqrt(2.0 / dim))
        self.theta = self.add_weight(name="theta", shape=(num_classes, dim), initializer=start)
        self.turns = self.add_weight(name="turns", shape=(TURNS, dim), initializer=start)
        self.decoder.build((None, None, dim))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Images [B, H, W, 3], values 0..255, to logits."""
        # One task of B images.
        features = self.phi(images, training=training)[tf.newaxis]
        theta, turns = self.theta[tf.newaxis], self.turns[tf.newaxis]
        logits = self.decoder(features, theta)
        turned = turn_logits(features, tf.nn.softmax(logits), theta, turns)
        return {"label": logits[0], "turn": turned[0]}

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "phi": keras.saving.serialize_keras_object(self.phi),
            "num_classes": self.theta.shape[0],
        }

    @classmethod
    def from_config(cls, config: dict) -> "SourceClassifier":
        """A fresh model; called by Keras when it loads one."""
        return cls(**{**config, "phi": keras.saving.deserialize_keras_object(config["phi"])})
