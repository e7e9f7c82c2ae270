"""A SavedModel that was written by `export`, in this process."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from sib_tf.backbones.feature_network import in_batches
from sib_tf.base.errors import UserError
from sib_tf.serving import query_limit, versions
from sib_tf.serving.zero_shot import contract

BATCH = 256  # images embedded at a time: bounds the memory


class Answers(NamedTuple):
    """What a model says of the query of a task.

    Attributes:
        probabilities: class probabilities after K steps, float32 [Q, N].
        inductive_probabilities: those before the first step, K = 0, float32 [Q, N].
    """

    probabilities: np.ndarray
    inductive_probabilities: np.ndarray


class Task(Protocol):
    """The images of a task, as in `predict.image_task.ImageTask`."""

    support_images: np.ndarray
    support_labels: np.ndarray
    query_images: np.ndarray


class ExportedModel:
    """A SavedModel that classifies the query of a task given its support.

    Attributes:
        version: folder of the version that was loaded.
        image_size: height and width of the images that the model takes, in pixels.
        num_classes: number of classes that the model tells apart; None if any number.
        feature_dim: number of features of an image.
        max_queries: most queries that are classified together; None if any number.
    """

    def __init__(self, folder: Path) -> None:
        """Loads the model.

        Args:
            folder: folder of numbered versions, of which the newest is taken, or of one version.

        Raises:
            UserError: if the folder holds no SavedModel or one of another signature.
        """
        version = versions.newest(folder)
        if (version / contract.FILE).exists():
            raise UserError(f"{version}: classifies without labelled images; leave out --support")
        with versions.loading(version):
            self._model = tf.saved_model.load(str(version))
            self._embed = self._model.signatures["embed"]
            self._classify = self._model.signatures["features"]
            _, arguments = self._embed.structured_input_signature
            height, width = arguments["images"].shape[1:3]
            if None in (height, width):
                raise ValueError("its image size is not fixed")
            outputs = [self._classify.structured_outputs[name] for name in Answers._fields]
            self.max_queries = query_limit.read(version)
        self.version = version
        self.image_size: tuple[int, int] = (height, width)
        self.num_classes: int | None = outputs[0].shape[-1]
        self.feature_dim: int = self._embed.structured_outputs["features"].shape[-1]

    def classify(self, task: Task) -> Answers:
        """Classifies every query image."""
        support, query = self.features(task.support_images), self.features(task.query_images)
        return self.classify_features(support, task.support_labels, query)

    def classify_features(
        self, support: np.ndarray, support_labels: np.ndarray, query: np.ndarray
    ) -> Answers:
        """Classifies every query by its features.

        More queries than `max_queries` are dealt out to tasks of equal size, as cards are: they may
        be sorted by class.

        Args:
            support: features of the support, float32 [S, D].
            support_labels: their labels, int32 [S], each of 0 .. N-1 once or more.
            query: features of the query, float32 [Q, D].
        """
        hands = max(1, math.ceil(len(query) / (self.max_queries or math.inf)))
        return dealt_out(query, hands, partial(self._together, support, support_labels))

    def _together(
        self, support: np.ndarray, support_labels: np.ndarray, query: np.ndarray
    ) -> Answers:
        inputs = {
            "support_features": tf.constant(support)[tf.newaxis],
            "support_labels": tf.constant(support_labels)[tf.newaxis],
            "query_features": tf.constant(query)[tf.newaxis],
        }
        outputs = self.signature(inputs)
        return Answers(*(outputs[name].numpy()[0] for name in Answers._fields))

    def signature(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """What the signature `features` answers to a batch of episodes; see `export`."""
        return self._classify(**inputs)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [n, D] of images uint8 [n, H, W, 3]."""
        return in_batches(lambda batch: self._embed(images=batch)["features"], images, BATCH)


def dealt_out(
    features: np.ndarray, hands: int, classify: Callable[[np.ndarray], Answers]
) -> Answers:
    """Classifies features [n, ...] in `hands` parts, of which part i has every hands-th of them."""
    parts = [classify(features[n::hands]) for n in range(hands)]
    return Answers(*(_dealt_back(answers) for answers in zip(*parts, strict=True)))


def _dealt_back(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Rows [n, ...] in the order in which they were, of which part i has every len(parts)-th."""
    rows = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    for n, part in enumerate(parts):
        rows[n :: len(parts)] = part
    return rows
