"""Reads checkpoints of the authors' released PyTorch code."""

from pathlib import Path
from typing import Any

import numpy as np

from sib_tf.base.errors import UserError, first_line

BACKBONE = "netFeat"  # names of the networks in a checkpoint of several, `netSIB*.pth`
CLASSIFIER = "SIB"
# What such a one says of its training, by our names. The released code has one rate for the
# optimizer and for eta.
_HYPERPARAMETERS = {"num_steps": "nbStep", "step_size": "lr"}


def read(file: Path, network: str) -> dict[str, np.ndarray]:
    """The weights of one network.

    Args:
        file: written by `torch.save`: the `state_dict()` of the network, `netFeat*.pth`, or a
            dictionary with such a one under its name, `netSIB*.pth`.
        network: `BACKBONE` or `CLASSIFIER`.

    Returns:
        PyTorch name -> array. The prefix of `torch.nn.DataParallel` is gone.

    Raises:
        UserError: if PyTorch is not installed, or the file is missing or not a checkpoint.
    """
    content = _load(file)
    weights = content.get(network, content) if isinstance(content, dict) else None
    if not _is_state_dict(weights):
        raise UserError(
            f'{file} holds no weights: it must be a state_dict(), or have one under "{network}", '
            "written by torch.save."
        )
    return {name.removeprefix("module."): value.numpy() for name, value in weights.items()}


def hyperparameters(file: Path) -> dict[str, int | float]:
    """`num_steps` (K) and `step_size` (eta) that a classifier was trained with.

    Args:
        file: checkpoint, see `read`. A `state_dict()` alone says nothing.

    Raises:
        UserError: if PyTorch is not installed, or the file is missing.
    """
    content = _load(file)
    saved = content if isinstance(content, dict) else {}
    return {ours: saved[name] for ours, name in _HYPERPARAMETERS.items() if name in saved}


def _load(file: Path) -> Any:
    """What `torch.save` has written.

    Raises:
        UserError: in the cases of `read`.
    """
    if not file.is_file():
        raise UserError(f"{file} is no file: give a checkpoint that the released code has written.")
    try:
        import torch  # an extra, which nothing else here needs
    except ImportError:
        raise UserError(
            f"Reading {file} needs PyTorch, which is not installed: run `pip install torch`."
        ) from None
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # it fails in a dozen ways on what is none of its own
        raise UserError(
            f"{file} holds no weights that PyTorch can load ({first_line(error)}): give a "
            "checkpoint that the released code has written."
        ) from error


def _is_state_dict(weights: Any) -> bool:
    tensors = weights.values() if isinstance(weights, dict) else ()
    return bool(tensors) and all(hasattr(tensor, "numpy") for tensor in tensors)
