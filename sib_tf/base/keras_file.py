"""Loads a Keras model that an earlier step has saved."""

import re
import zipfile
from pathlib import Path

import keras

from sib_tf.base import storage
from sib_tf.base.errors import UserError, first_line

_WITHOUT_HUB = re.compile(r"parent module keras_hub\S* cannot be imported")


def load(file: Path | str) -> keras.Model:
    """The model of a `.keras` file, for inference.

    Raises:
        UserError: if the file is missing, damaged or not a Keras model, or needs Keras Hub, which
            is not installed; names it.
    """
    if not storage.path(str(file)).exists():
        raise UserError(
            f"{file} is missing. If it is there where the job was started, it must be at the same "
            "path on all workers (docs/scaling.md); else delete its folder, then run the same "
            "command again."
        )
    try:
        return keras.saving.load_model(str(file), compile=False)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        if _WITHOUT_HUB.search(str(error)):
            raise UserError(
                f"{file} has layers of Keras Hub: run `pip install keras-hub`, which is the extra "
                "`hub`."
            ) from error
        raise UserError(
            f"{file} is not a model that can be loaded ({first_line(error)}): delete its folder, "
            "then run the same command again."
        ) from error
