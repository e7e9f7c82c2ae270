"""Loads a Keras model that an earlier step has saved."""

import zipfile
from pathlib import Path

import keras

from sib_tf.base.errors import UserError


def load(file: Path | str) -> keras.Model:
    """The model of a `.keras` file, for inference.

    Raises:
        UserError: if the file is missing, damaged or not a Keras model; names it.
    """
    try:
        return keras.saving.load_model(str(file), compile=False)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(
            f"{file} is not a model that can be loaded ({reason}): delete its folder, then run the "
            "same command again."
        ) from error
