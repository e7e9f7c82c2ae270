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
    with pytest.raises(UserError, match=r"none\.keras is missing\. .* same path on all workers"):
        keras_file.load(tmp_path / "none.keras")


def test_a_file_that_needs_keras_hub_says_so(tmp_path):
    @keras.saving.register_keras_serializable("keras_hub")
    class Encoder(keras.layers.Layer):
        def call(self, x):
            return x

    Encoder.__module__ = "keras_hub.src.models.that_is_not_here"
    keras.Sequential([keras.Input((2,)), Encoder()]).save(tmp_path / "phi.keras")
    del keras.saving.get_custom_objects()["keras_hub>Encoder"]
    with pytest.raises(UserError) as error:
        keras_file.load(tmp_path / "phi.keras")
    assert str(error.value) == (
        f"{tmp_path}/phi.keras has layers of Keras Hub: run `pip install keras-hub`, which is the "
        "extra `hub`."
    )
