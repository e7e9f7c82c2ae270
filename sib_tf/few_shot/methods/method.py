"""What every method for few-shot classification has in common."""

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import tensorflow as tf

from sib_tf.few_shot.classifier import Classifier
from sib_tf.few_shot.model import Inputs

Row = Mapping[str, Any]  # an entry of "results" in report.json


class Method(abc.ABC):
    """A way to classify the queries of episodes, evaluated and reported beside others.

    A new one subclasses this and gets a name in `registry.METHODS`. Evaluation, report, tables,
    model card and the summary of all results find it there and take its names from the class.

    Attributes:
        title: name in reports, tables and model cards.
        iterative: whether the method takes the synthetic-gradient steps of the meta-trained
            classifier, and so has a result for each K. Any other has a single result.
        is_start: whether the single result is where these steps start from, K = 0. It is then
            shown with that K, and stands in where a report lacks the K = 0 of the classifier.
        costly: whether it takes so long that a grid of settings leaves it out of the large ones.
        grid: name of each hyperparameter -> the values that are tried on validation episodes.
        chosen: shot -> name of each hyperparameter -> the value that did best there.

    Args:
        classifier: meta-trained classifier of the experiment; whether its weights are used is up to
            the method.
        **constants: hyperparameters of the grid by name; others have the values that were chosen.

    Raises:
        TypeError: if a constant is not a hyperparameter of the method.
    """

    title: ClassVar[str]
    iterative: ClassVar[bool] = False
    is_start: ClassVar[bool] = False
    costly: ClassVar[bool] = False
    grid: ClassVar[Mapping[str, tuple[float, ...]]] = {}
    chosen: ClassVar[Mapping[int, Mapping[str, float]]] = {}

    def __init__(self, classifier: Classifier, **constants: float) -> None:
        if unknown := constants.keys() - self.grid.keys():
            raise TypeError(f"{type(self).__name__} has no hyperparameter {min(unknown)}.")
        self.classifier = classifier
        self._constants = constants

    @abc.abstractmethod
    def __call__(self, inputs: Inputs, num_steps: int) -> tf.Tensor:
        """Class probabilities of the queries.

        Traced once for each number of episodes and compiled by XLA: TensorFlow operations alone,
        on shapes that are known. An answer must not depend on other episodes of the batch.

        Args:
            inputs: inputs of `FewShotClassifier`, "class_mask" among them, for B episodes of the
                same size, without padding.
            num_steps: K, the largest number of steps to evaluate; for iterative methods.

        Returns:
            float32 [K+1, B, Q, N] after 0 .. K steps, or [1, B, Q, N] if the method is not
            iterative; the sum over N is 1.
        """

    def constant(self, name: str, inputs: Inputs) -> float:
        """A hyperparameter, for the shot of the episodes or the nearest one that was tuned."""
        if name in self._constants:
            return self._constants[name]
        shot = inputs["support_labels"].shape[1] / way_of(inputs)
        nearest = min(self.chosen, key=lambda known: abs(math.log(known / shot)))
        return self.chosen[nearest][name]

    @classmethod
    def training(cls, fields: Mapping[str, object]) -> dict[str, object]:
        """What a row of `report.json` says of the meta-training.

        Args:
            fields: description of the meta-training by the keys of a row.

        Returns:
            The same if the method is iterative; otherwise None for each key.
        """
        return dict(fields) if cls.iterative else dict.fromkeys(fields)

    @classmethod
    def name(cls, row: Row) -> str:
        """Name of a result at its K: `cosine prototypes, K = 0`; without steps, the title."""
        return f"{cls.title}, K = {cls.steps(row)}" if cls._has_steps() else cls.title

    @classmethod
    def name_at_any_k(cls, row: Row) -> str:
        """Name of what a row has in common with rows of other K; defaults to the title."""
        del row
        return cls.title

    @classmethod
    def model(cls, row: Row) -> str:
        """What tells a trained model from others of the same method; defaults to the title."""
        del row
        return cls.title

    @classmethod
    def steps(cls, row: Row) -> str:
        """K of a row as tables show it; a dash for a method without steps."""
        return str(row["num_steps"]) if cls._has_steps() else "–"

    @classmethod
    def column(cls) -> str:
        """Head of the method's columns in the summary of all results; defaults to the title."""
        return cls.title

    @classmethod
    def _has_steps(cls) -> bool:
        return cls.iterative or cls.is_start


def way_of(inputs: Inputs) -> int:
    """N, the number of classes of the episodes."""
    return inputs["class_mask"].shape[1]
