"""theta^0 of a classifier of unlabelled images: a start, moved by what the images give away."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.rotation import TURNS, rotation_loss, turn_logits

Classify = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From features [B, n, D] and theta [B, N, D] to class logits [B, n, N]."""


@keras.saving.register_keras_serializable("sib_tf")
class RotationInitialization(keras.layers.Layer):
    """theta^0 = lambda - step_size * d L_rot / d lambda, with L_rot the rotation loss of a task.

    Every image is turned by 0, 90, 180 and 270 degrees, and by which of them is predicted through
    the weights of the classifier, see `rotation.turn_logits`. So theta^0 depends on the images
    although nobody has labelled them. A step of size 0 leaves lambda as it is.

    Features of several networks each need a start of their own.

    Source: section 4.3 of the paper; how the rotation is predicted is ours.

    Args:
        way: N.
        dim: D.
        step_size: eta_0.
        starts: P, number of networks that features come from.
    """

    def __init__(
        self, way: int, dim: int, step_size: float, starts: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.way = way
        self.dim = dim
        self.step_size = step_size
        self.starts = starts

    def build(self, *_: tuple) -> None:
        """Creates lambda, [P, N, D], and V, [P, 4, D], both to be set from pre-training."""
        self.theta = self.add_weight(name="theta", shape=(self.starts, self.way, self.dim))
        self.turns = self.add_weight(
            name="turns",
            shape=(self.starts, TURNS, self.dim),
            trainable=self.step_size > 0,  # else nothing depends on it
        )

    def call(
        self,
        features: tf.Tensor,
        start: tf.Tensor,
        classify: Classify,
        present: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """theta^0 of each task.

        Args:
            features: features of each image turned by the four angles, float [B, Q, 4, D]; without
                a step only B counts.
            start: number of the network that the features come from, int32 [B], 0 .. P-1.
            classify: the classifier.
            present: bool [B, Q], False for padding; None if all images are there.

        Returns:
            float [B, N, D].
        """
        theta = tf.gather(self.theta, start)
        if not self.step_size:
            return theta
        with tf.GradientTape() as tape:
            tape.watch(theta)
            loss = self.loss(features, theta, tf.gather(self.turns, start), classify, present)
        return theta - self.step_size * tape.gradient(loss, theta)

    @staticmethod
    def loss(
        features: tf.Tensor,
        theta: tf.Tensor,
        turns: tf.Tensor,
        classify: Classify,
        present: tf.Tensor | None,
    ) -> tf.Tensor:
        """L_rot of each task, float [B]; `turns` is V, [B, 4, D], the rest as of `call`."""
        flat = tf.reshape(features, [tf.shape(features)[0], -1, features.shape[-1]])
        probabilities = tf.nn.softmax(classify(flat, theta))
        logits = turn_logits(flat, probabilities, theta, turns)
        shape = tf.concat([tf.shape(features)[:-1], [TURNS]], axis=0)
        return rotation_loss(tf.reshape(logits, shape), present)

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "way": self.way,
            "dim": self.dim,
            "step_size": self.step_size,
            "starts": self.starts,
        }
