"""Transductive few-shot classification with synthetic gradients, in TensorFlow and Keras.

    FewShotClassifier   Keras model: classifies the queries of an episode from frozen features
    LineRegressor       Keras model: the paper's zero-shot regression
    unroll              the method: K synthetic-gradient steps on the weights of a task

The jobs in `jobs` (`sib_tf.jobs`, if installed) go from raw images to a served model. Importing
this package registers the Keras classes that saved models name, and does nothing else.
"""

import importlib
import sys

if any(argument.startswith("sib_tf.jobs.") for argument in sys.orig_argv):
    # Python imports this package before the jobs in it, which say how to load TensorFlow.
    importlib.import_module("sib_tf.jobs")

from sib_tf.backbones import feature_network as _phi  # noqa: F401, with the layers of all of them
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.method.inference import unroll
from sib_tf.regression.model import LineRegressor

__all__ = ["FewShotClassifier", "LineRegressor", "unroll"]
__version__ = "0.1.0"
