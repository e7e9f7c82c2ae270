"""Transductive few-shot classification with synthetic gradients, in TensorFlow and Keras.

    load                reads an exported model, a classifier of images as scikit-learn's are
    FewShotClassifier   Keras model: classifies the queries of an episode from frozen features
    LineRegressor       Keras model: the paper's zero-shot regression
    unroll              the method: K synthetic-gradient steps on the weights of a task

The jobs in `jobs` (`sib_tf.jobs`, if installed) go from raw images to a served model. Importing
this package registers the Keras classes that saved models name, and does nothing else.
"""

import importlib
import os
import sys
from typing import TYPE_CHECKING

from sib_tf.base import keras_backend

if any(argument.startswith("sib_tf.jobs.") for argument in sys.orig_argv):
    # Python imports this package before the jobs in it, which say how to load TensorFlow.
    importlib.import_module("sib_tf.jobs")

if _other := keras_backend.other():
    raise ImportError(
        f"sib_tf computes with TensorFlow, but the backend of Keras is {_other}: set "
        "KERAS_BACKEND=tensorflow before Keras is imported."
    )

from sib_tf.backbones import feature_network as _phi  # noqa: F401, with the layers of all of them
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.method.inference import unroll
from sib_tf.regression.model import LineRegressor

if TYPE_CHECKING:
    from sib_tf.serving.estimator.classifier import SyntheticGradientClassifier

__all__ = ["FewShotClassifier", "LineRegressor", "load", "unroll"]
__version__ = "0.1.0"


def load(model: str | os.PathLike) -> "SyntheticGradientClassifier":
    """Loads an exported model, to classify images from a few labelled ones.

        answers = sib_tf.load("work/photographs/export/photographs").classify(
            ["a cat.jpg", "a dog.jpg"], ["cat", "dog"], ["unknown.jpg", "another.jpg"]
        )

    Args:
        model: folder of the model, as `jobs.export` writes it.

    Returns:
        A classifier with `classify`, and all that scikit-learn expects of one.

    Raises:
        ValueError: if the folder holds no exported model.
    """
    # Here, because programs that only use Keras models need neither Pillow nor scikit-learn.
    from sib_tf.serving.estimator.classifier import SyntheticGradientClassifier

    classifier = SyntheticGradientClassifier(model)
    _ = classifier.image_size  # loads it now, so that a wrong folder is told at once
    return classifier
