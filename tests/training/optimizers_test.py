import keras
import numpy as np
import pytest

from sib_tf.training.optimizers import SGDWithL2


def test_two_steps_by_hand():
    # lr 0.1, momentum 0.5, l2 0.2; w = 1, m = 0.
    # Step 1, gradient 2: g = 2 + 0.2 = 2.2, m = -0.22, w = 1 - 0.11 - 0.22 = 0.67.
    # Step 2, gradient -1: g = -1 + 0.134 = -0.866, m = -0.11 + 0.0866 = -0.0234,
    #   w = 0.67 - 0.0117 + 0.0866 = 0.7449.
    w = keras.Variable(1.0)
    optimizer = SGDWithL2(0.1, momentum=0.5, l2=0.2)
    optimizer.apply([np.float32(2)], [w])
    assert w.numpy() == pytest.approx(0.67, abs=1e-6)
    optimizer.apply([np.float32(-1)], [w])
    assert w.numpy() == pytest.approx(0.7449, abs=1e-6)


def test_every_weight_decays_without_a_gradient():
    # m = -lr * l2 * w = -0.01 w, so w <- w - 0.9 * 0.01 w - 0.01 w = 0.981 w.
    weights = [keras.Variable(np.float32([1.0, -2.0])), keras.Variable(np.float32(3.0))]
    SGDWithL2(0.1, l2=0.1).apply([np.zeros(2, "float32"), np.float32(0)], weights)
    np.testing.assert_allclose(weights[0], [0.981, -1.962], rtol=1e-6)
    np.testing.assert_allclose(weights[1], 2.943, rtol=1e-6)


def test_config_round_trip():
    config = SGDWithL2(0.2, momentum=0.7, l2=0.3).get_config()
    again = SGDWithL2.from_config(config)
    assert again.get_config() == config
    assert (again.l2, again.momentum, again.nesterov) == (0.3, 0.7, True)
