"""The networks that a config can name as its xi."""

from sib_tf.base.registry import Registry
from sib_tf.method.xi.dense import DenseSyntheticGradient
from sib_tf.method.xi.general import GeneralSyntheticGradient
from sib_tf.method.xi.set_wise import SetSyntheticGradient
from sib_tf.method.xi.synthetic_gradient import SyntheticGradient

XI: Registry[type[SyntheticGradient]] = Registry("synthetic_gradient")
XI["dense"] = DenseSyntheticGradient
XI["set"] = SetSyntheticGradient
XI["general"] = GeneralSyntheticGradient
