"""Loads a Keras model that an earlier step has saved."""

import zipfile
from pathlib import Path

import keras

from sib_tf.base.errors import UserError, first_line


def load(file: Path | str) -> keras.Model:
    """The model of a `.keras` file, for inference.

    Raises:
        UserError: if the file is missing, damaged or not a Keras model; names it.
    """
    try:
        return keras.saving.load_model(str(file), compile=False)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{file} is not a model that can be loaded ({first_line(error)}): delete its folder, "
            "then run the same command again."
        ) from error
