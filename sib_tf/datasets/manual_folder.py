"""The folder into which users put what they must download themselves."""

from pathlib import Path

import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError


def manual_folder(dl_manager: tfds.download.DownloadManager, instructions: str) -> Path:
    """The manual directory of TFDS.

    Args:
        dl_manager: as TFDS hands it to a builder.
        instructions: what to put there, in whole sentences.

    Raises:
        UserError: if there is no such folder or it is empty; ends with the instructions.
    """
    try:
        return Path(dl_manager.manual_dir)
    except (AssertionError, NotADirectoryError) as error:
        # TFDS goes on with the instructions, on lines of their own.
        reason, _, _ = str(error).partition(". Create it")
        raise UserError(f"{reason}. {instructions}") from error
