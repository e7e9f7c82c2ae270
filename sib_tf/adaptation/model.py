"""Zero-shot classification: a start from other domains, the rotation loss, xi and a decoder."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from sib_tf.method.decoders import CosineClassifier
from sib_tf.method.inference import unroll
from sib_tf.method.initializations.rotation import RotationInitialization
from sib_tf.method.xi.context import Context
from sib_tf.method.xi.registry import XI

Inputs = Mapping[str, tf.Tensor]


@keras.saving.register_keras_serializable("sib_tf")
class ZeroShotClassifier(keras.Model):
    """Classifies a minibatch of images of one domain, of which none is labelled.

        model({"features": [B, Q, 4, D]})  ->  logits of the upright images, [B, Q, N]

    The features are those of each image turned by 0, 90, 180 and 270 degrees. B and Q are free from
    call to call. Nothing crosses from one minibatch to another, and labels are no input: they meet
    the model in the training loss only.

    Minibatches of different sizes fill up to the largest: False in the input "query_mask",
    bool [B, Q], marks padding, which takes no part.

    A model that was trained on features of several networks has a start for each. The input
    "start", int32 [B], says which one a minibatch needs; without it, it is the first.

    Where xi looks at a support, this is the *anchors*: the mean feature of each class in the
    labelled domains.

    Args:
        way: N, the classes, the same in all domains.
        feature_dim: D.
        num_steps: K, synthetic-gradient steps.
        step_size: eta, size of a step, which sums over images.
        rotation_step_size: eta_0, size of the step down the rotation loss; 0: none, "SIB-Init".
        synthetic_gradient: name of xi in `XI`.
        hidden: units of the hidden layers of xi; None: the network's default.
        starts: P, number of networks that features come from.
        learned_start: whether training changes lambda and V.
        dtype: Keras dtype or policy of weights and computation.

    Raises:
        UserError: if `synthetic_gradient` is unknown.

    Source: section 4.3 of the paper.
    """

    def __init__(
        self,
        way: int,
        feature_dim: int,
        num_steps: int = 3,
        step_size: float = 1e-3,
        rotation_step_size: float = 0.0,
        synthetic_gradient: str = "dense",
        hidden: int | None = None,
        starts: int = 1,
        learned_start: bool = True,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would turn the integer numbers of the starts into floats.
        super().__init__(dtype=dtype, autocast=False, **kwargs)
        self.way = way
        self.feature_dim = feature_dim
        self.num_steps = num_steps
        self.step_size = step_size
        self.rotation_step_size = rotation_step_size
        self.synthetic_gradient = synthetic_gradient
        self.hidden = hidden
        self.starts = starts
        self.learned_start = learned_start
        self.initialization = RotationInitialization(
            way, feature_dim, rotation_step_size, starts, dtype=self.dtype_policy
        )
        self.decoder = CosineClassifier(dtype=self.dtype_policy)
        self.xi = XI[synthetic_gradient](way, hidden, dtype=self.dtype_policy)
        self.anchors = self.add_weight(
            name="anchors", shape=(starts, way, feature_dim), trainable=False
        )
        self.initialization.build()
        self.decoder.build((None, None, feature_dim))
        self.xi.build((None, None, way))
        self.initialization.trainable = learned_start
        self.xi.trainable = num_steps > 0  # else nothing depends on it
        self.built = True

    def call(self, inputs: Inputs) -> tf.Tensor:
        """Logits of the images after K synthetic-gradient steps, float [B, Q, N]."""
        return self.logits_path(inputs)[-1]

    def query_loss(self) -> keras.losses.Loss:
        """What meta-training minimises: the mean cross-entropy of the images, in nats."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def query_metrics(self) -> list[str]:
        """What meta-training reports besides."""
        return ["accuracy"]

    def logits_path(self, inputs: Inputs, num_steps: int | None = None) -> tf.Tensor:
        """Logits after 0 .. K steps, float [K+1, B, Q, N]; K is `num_steps` or the model's."""
        path = self.theta_path(inputs, self.num_steps if num_steps is None else num_steps)
        queries = self._features(inputs)[:, :, 0]
        return tf.stack([self.decoder(queries, theta) for theta in path])

    def theta_path(self, inputs: Inputs, num_steps: int) -> list[tf.Tensor]:
        """The weights of the classifier theta^0 .. theta^K, each float [B, N, D]."""
        features, mask = self._features(inputs), inputs.get("query_mask")
        queries, start = features[:, :, 0], self._start(inputs)
        anchors = tf.gather(self.anchors, start)
        labels = tf.broadcast_to(tf.range(self.way), tf.shape(anchors)[:2])
        context = Context(queries, mask, support_labels=labels, many_queries=True)
        examples = tf.concat([queries, anchors], axis=1) if self.xi.on_support else queries
        return unroll(
            self.initialization(features, start, classify=self.decoder, present=mask),
            predict=lambda theta: self.decoder(examples, theta),
            synthetic_gradient=partial(self.xi, context=context),
            step_size=self.step_size,
            num_steps=num_steps,
        )

    def _features(self, inputs: Inputs) -> tf.Tensor:
        return tf.cast(inputs["features"], self.compute_dtype)

    def _start(self, inputs: Inputs) -> tf.Tensor:
        first = tf.zeros(tf.shape(inputs["features"])[:1], tf.int32)
        return inputs.get("start", first)

    def for_serving(self) -> "ZeroShotClassifier":
        """A copy that computes in double precision; few images amplify rounding in xi."""
        copy = self.from_config({**self.get_config(), "dtype": "float64"})
        copy.set_weights(self.get_weights())
        return copy

    def get_config(self) -> dict:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "way": self.way,
            "feature_dim": self.feature_dim,
            "num_steps": self.num_steps,
            "step_size": self.step_size,
            "rotation_step_size": self.rotation_step_size,
            "synthetic_gradient": self.synthetic_gradient,
            "hidden": self.hidden,
            "starts": self.starts,
            "learned_start": self.learned_start,
        }
