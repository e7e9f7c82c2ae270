"""The inductive baseline."""

from typing import ClassVar

import tensorflow as tf

from sib_tf.few_shot.classifier import Classifier
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.model import FewShotClassifier, Inputs


class Prototypes(Method):
    """Cosine similarity to the mean of the normalised support features of each class.

    Nothing is learned but the features. This is K = 0 of an untrained classifier.
    """

    title = "cosine prototypes"
    is_start: ClassVar[bool] = True

    def __init__(self, classifier: Classifier) -> None:
        del classifier
        untrained = FewShotClassifier(
            None, None, num_steps=0, synthetic_gradient="set", initialization="class_means"
        )
        super().__init__(untrained)

    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries, float32 [1, B, Q, N]."""
        del num_steps
        return tf.nn.softmax(self.classifier.logits_path(inputs, 0))

    @classmethod
    def column(cls) -> str:
        """Head of the columns in the summary of all results."""
        return "K = 0"
