import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.training.callbacks.divergence import StopIfDiverged


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("-inf")])
@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_non_finite_loss_names_the_rates_to_lower(name, value):
    callback = StopIfDiverged("learning_rate", "step_size")
    callback.on_epoch_end(0, {"loss": 1.0, "val_loss": 1.0})
    words = rf"{name} is .* after epoch 2.* config\.learning_rate or config\.step_size"
    with pytest.raises(UserError, match=words):
        callback.on_epoch_end(1, {"loss": 1.0, "val_loss": 1.0, name: value})
