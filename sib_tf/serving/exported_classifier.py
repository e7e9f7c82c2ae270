"""The classifier in an exported model, to be evaluated beside other methods."""

from pathlib import Path

import tensorflow as tf

from sib_tf.few_shot.model import Inputs
from sib_tf.serving.exported_model import Answers, ExportedModel


class ExportedClassifier:
    """The signature `features` of an exported model, with the interface of a classifier.

    An export answers at K = 0 and after all of its steps: to whom evaluates it, these are one step.

    Attributes:
        way: N, number of classes that the model tells apart; None: any.
        feature_dim: D, number of features.
        num_steps: 1.
    """

    num_steps = 1

    def __init__(self, folder: Path) -> None:
        """Loads the model; see `ExportedModel`."""
        self._model = ExportedModel(folder)
        self.way = self._model.num_classes
        self.feature_dim = self._model.feature_dim

    def logits_path(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Logarithms of the probabilities before and after the steps, float32 [2, B, Q, N]."""
        del num_steps
        names = ("support_features", "support_labels", "query_features")
        found = self._model.signature({name: inputs[name] for name in names})
        return tf.math.log([found[name] for name in reversed(Answers._fields)])
