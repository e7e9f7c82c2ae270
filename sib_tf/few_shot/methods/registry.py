"""The methods that are compared, in the order of the rows of a report."""

from sib_tf.base.registry import Registry
from sib_tf.few_shot.methods.alpha_tim import AlphaTIM
from sib_tf.few_shot.methods.bd_cspn import BDCSPN
from sib_tf.few_shot.methods.laplacian_shot import LaplacianShot
from sib_tf.few_shot.methods.logistic_regression import LogisticRegression
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.methods.prototypes import Prototypes
from sib_tf.few_shot.methods.pt_map import PTMAP
from sib_tf.few_shot.methods.sib import SIB
from sib_tf.few_shot.methods.tim import TIM

METHODS: Registry[type[Method]] = Registry("method")
METHODS["prototypes"] = Prototypes
METHODS["logistic_regression"] = LogisticRegression
METHODS["bd_cspn"] = BDCSPN
METHODS["laplacian_shot"] = LaplacianShot
METHODS["pt_map"] = PTMAP
METHODS["tim"] = TIM
METHODS["alpha_tim"] = AlphaTIM
METHODS["sib"] = SIB
