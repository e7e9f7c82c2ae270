"""Transductive few-shot classification with synthetic gradients, in TensorFlow and Keras."""

from sib_tf.inference import unroll
from sib_tf.tasks.few_shot import FewShotClassifier

__all__ = ["FewShotClassifier", "unroll"]
__version__ = "0.1.0"
