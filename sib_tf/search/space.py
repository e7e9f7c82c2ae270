"""The space of a search: which fields of a config vary, and between which values."""

import copy
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
from ml_collections import ConfigDict

from sib_tf.base.errors import UserError
from sib_tf.experiments import pipeline, settings

# They are what a trial may cost, and Hyperband sets them itself.
_BUDGET = {"train_steps", "steps_per_epoch"}


def read(file: Path) -> keras_tuner.HyperParameters:
    """The space that a Python file declares in its function `get_space`.

    Raises:
        UserError: the file is missing, fails, or declares none.
    """
    try:
        space = runpy.run_path(str(file))["get_space"]()
    except Exception as error:  # a file of the user's, which may fail in any way
        reason = "it has no get_space()" if error.args == ("get_space",) else repr(error)
        raise UserError(f"--space={file} cannot be loaded: {reason}.") from error
    if not isinstance(space, keras_tuner.HyperParameters) or not space.space:
        raise UserError(
            f"--space={file}: get_space() must return keras_tuner.HyperParameters with something "
            "to vary."
        )
    return space


def check(space: keras_tuner.HyperParameters, config: ConfigDict) -> None:
    """Refuses a space with a name or a value that the config cannot have.

    Raises:
        UserError: a name is no field that meta-training alone reads, or a value cannot be.
    """
    allowed = sorted({*pipeline.train_step(config).fields} - _BUDGET)
    for parameter in space.space:
        if parameter.name not in allowed:
            raise UserError(
                f"--space: {parameter.name} cannot be searched, only {', '.join(allowed)}: the "
                "rest changes the data, phi or what a trial may cost."
            )
        for value in _ends(parameter):
            settings.check(with_values(config, {parameter.name: value}))


def _ends(parameter: Any) -> Sequence[Any]:
    """Every value of a choice, the least and the largest of a range."""
    is_range = hasattr(parameter, "min_value")
    return (parameter.min_value, parameter.max_value) if is_range else parameter.values


def query_shares(space: keras_tuner.HyperParameters, config: ConfigDict) -> list[str]:
    """How the queries of training episodes are shared, in any trial or in the config itself."""
    searched = [p for p in space.space if p.name == "train_query_shares"]
    values = [value for parameter in searched for value in parameter.values]
    return list(dict.fromkeys([config.train_query_shares, *values]))


def with_values(config: ConfigDict, values: Mapping[str, Any]) -> ConfigDict:
    """A copy of a config with some fields changed.

    Raises:
        UserError: a value is of another type than the field.
    """
    changed = copy.deepcopy(config)
    try:
        changed.update(values)
    except TypeError as error:
        raise UserError(f"--space: {error}") from error
    return changed
