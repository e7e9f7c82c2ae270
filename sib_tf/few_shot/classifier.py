"""A trained classifier, as evaluation sees it."""

from typing import Protocol

import tensorflow as tf

from sib_tf.few_shot.model import Inputs


class Classifier(Protocol):
    """What methods and grids ask of a `FewShotClassifier`, and of one that was exported.

    Attributes:
        way: N, number of classes; None: any.
        feature_dim: D, number of features; None: any.
        num_steps: K, number of steps.
    """

    way: int | None
    feature_dim: int | None
    num_steps: int

    def logits_path(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Logits after 0 .. K steps, float [K+1, B, Q, N]; XLA can compile it."""
