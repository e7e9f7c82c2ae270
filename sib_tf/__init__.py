"""Transductive few-shot classification with synthetic gradients, in TensorFlow and Keras."""

import os

# On CPUs without AVX-512 TensorFlow leaves oneDNN off, whose convolutions are twice as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from sib_tf.backbones import (
    registry as backbones,  # with the classifier's, all classes of saved models
)
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.method.inference import unroll
from sib_tf.regression.model import LineRegressor

__all__ = ["FewShotClassifier", "LineRegressor", "backbones", "unroll"]
__version__ = "0.1.0"
