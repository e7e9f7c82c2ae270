"""An exported model as a scikit-learn classifier."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sib_tf.base import storage
from sib_tf.base.errors import UserError
from sib_tf.serving import versions
from sib_tf.serving.estimator.classification import Classification
from sib_tf.serving.estimator.given_images import GivenImage, GivenImages, batches, listed
from sib_tf.serving.estimator.input_error import input_errors
from sib_tf.serving.estimator.labels import encoded
from sib_tf.serving.exported_model import BATCH, ExportedModel

_IMAGES, _LABELS = "support_images", "support_labels"


class SyntheticGradientClassifier(ClassifierMixin, BaseEstimator):
    """Classifies images from a few labelled ones with an exported model.

    Images are an array uint8 [n, H, W, 3] or a list of files, Pillow images and arrays uint8
    [H, W, 3], mixed as you like and of any sizes: they are cropped about their centre and resized.
    Labels are class names, integers, or whatever scikit-learn takes. Nothing is trained: `fit`
    computes the features of the labelled images, the support.

    The classifier is transductive: all images of a call, the query, are classified together, in K
    steps that learn from all of them. So the answer for one depends on the others: classify at once
    what belongs together, and nothing of other classes. With a general head, such as the one of
    `configs/photographs.py`, an image that is alone gets the answer of K = 0.

    Bad input raises a ValueError of one line that names the argument or the file.

    Args:
        model: folder of the model, as `jobs.export` writes it: of numbered versions, of which the
            newest is taken, or of one version. It is loaded when it is first needed; a clone shares
            it, and a pickle has its path in its stead.
        transductive: whether `predict` and `predict_proba` take the K steps. If not, they answer
            with K = 0, and each image is classified by itself.

    Attributes:
        classes_: labels of the N classes, sorted, [N].
        support_features_: features of the support, float32 [S, D].
        support_labels_: their places in `classes_`, int32 [S].
        version_: folder of the version of the model that computed them.
    """

    _loaded: ExportedModel | None = None

    def __init__(self, model: str | os.PathLike, *, transductive: bool = True) -> None:
        self.model = model
        self.transductive = transductive

    @property
    @input_errors()
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images that the model sees, in pixels."""
        return self._newest().image_size

    @property
    @input_errors()
    def num_classes(self) -> int | None:
        """Number of classes that the model tells apart; None if any number."""
        return self._newest().num_classes

    def classify(
        self, support_images: GivenImages, support_labels: ArrayLike, query_images: GivenImages
    ) -> Classification:
        """Classifies the query given the support; what `fit` has learned stays as it is.

        Args:
            support_images: labelled images, one or more of each of two or more classes.
            support_labels: their labels.
            query_images: images to classify.

        Raises:
            InputError: if an argument is of another kind, an image cannot be read, or the model
                cannot be loaded or tells another number of classes apart.
        """
        return clone(self).fit(support_images, support_labels)._classification(query_images)

    @input_errors()
    def fit(self, X: GivenImages, y: ArrayLike) -> Self:
        """Computes the features of the support.

        Args:
            X: labelled images, one or more of each of two or more classes.
            y: their labels.

        Raises:
            InputError: as `classify`.
        """
        images = listed(_IMAGES, X)
        classes, labels = encoded(_LABELS, y)
        if len(labels) != len(images):
            raise UserError(
                f"{_LABELS}: has {len(labels)} labels for {len(images)} images; give one for each"
            )
        model = self._newest()
        _refuse_other_numbers(classes, model.num_classes)
        self.support_features_ = _features(model, _IMAGES, images)
        self.support_labels_ = labels
        self.classes_ = classes
        self.version_ = model.version
        return self

    def predict(self, X: GivenImages) -> np.ndarray:
        """The label of the most probable class of each image, [Q].

        Raises:
            NotFittedError: before `fit`.
            InputError: as `classify`.
        """
        return self._classification(X).labels

    def predict_proba(self, X: GivenImages) -> np.ndarray:
        """Probabilities of the classes in the order of `classes_`, float32 [Q, N].

        Raises:
            NotFittedError: before `fit`.
            InputError: as `classify`.
        """
        return self._classification(X).probabilities

    @input_errors()
    def _classification(self, images: GivenImages) -> Classification:
        check_is_fitted(self)
        model = self._exported(self.version_)
        query = _features(model, "query_images", listed("query_images", images))
        transductive, inductive = model.classify_features(
            self.support_features_, self.support_labels_, query
        )
        probabilities = transductive if self.transductive else inductive
        return Classification(self.classes_, probabilities, inductive)

    def _newest(self) -> ExportedModel:
        return self._exported(versions.newest(storage.local(self.model)))

    def _exported(self, version: Path) -> ExportedModel:
        # Features of one version mean nothing to another, which may have come since `fit`.
        if self._loaded is None or self._loaded.version != version:
            self._loaded = ExportedModel(version)
        return self._loaded

    def __sklearn_clone__(self) -> Self:
        copy = super().__sklearn_clone__()
        copy._loaded = self._loaded
        return copy

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_loaded": None}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True  # files
        return tags


def _features(model: ExportedModel, name: str, images: Sequence[GivenImage]) -> np.ndarray:
    """Features of images, float32 [n, D]."""
    parts = batches(name, images, model.image_size, BATCH)
    return np.concatenate([model.features(part) for part in parts])


def _refuse_other_numbers(classes: np.ndarray, number: int | None) -> None:
    if len(classes) < 2:
        raise UserError(f"{_LABELS}: has one class only; add images of the other classes")
    if number not in (None, len(classes)):
        raise UserError(
            f"{_LABELS}: has {len(classes)} classes but the model tells {number} apart; "
            f"give it {number}, or load a model for any number, such as that of `make photographs`"
        )
