"""The backend of Keras, which this package needs to be TensorFlow."""

import os

_NEEDED = "tensorflow"


def other() -> str | None:
    """The backend that Keras has, or was told to take, if it is not TensorFlow."""
    told = os.environ.get("KERAS_BACKEND") or _NEEDED
    if told != _NEEDED:
        return told
    try:
        import keras
    except ModuleNotFoundError as error:  # ~/.keras/keras.json may name what is not installed
        if error.name in ("jax", "torch"):
            return error.name
        raise
    taken = keras.config.backend()  # as that file says, or the variable said earlier
    return None if taken == _NEEDED else taken
