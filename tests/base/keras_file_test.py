import keras
import numpy as np
import pytest

from sib_tf.base import keras_file
from sib_tf.base.errors import UserError


def saved(file):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.save(file)
    return file


def test_a_saved_model_is_loaded(tmp_path):
    model = keras_file.load(saved(tmp_path / "model.keras"))
    np.testing.assert_allclose(model(np.array([[2.0, 3.0]])), [[5.0]])


@pytest.mark.parametrize("keep", [0, 100, 2000])
def test_a_damaged_file_is_named(tmp_path, keep):
    file = saved(tmp_path / "model.keras")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"model\.keras is not a model that can be loaded.*delete"):
        keras_file.load(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.keras is not a model"):
        keras_file.load(tmp_path / "none.keras")
