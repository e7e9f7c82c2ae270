"""The methods that are compared, in the order of the rows of a report."""

from sib_tf.base.registry import Registry
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.methods.prototypes import Prototypes
from sib_tf.few_shot.methods.sib import SIB

METHODS: Registry[type[Method]] = Registry("method")
METHODS["prototypes"] = Prototypes
METHODS["sib"] = SIB
