"""The space of a search: which fields of a config vary, and between which values."""

import copy
import dataclasses
import json
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
from ml_collections import ConfigDict

from sib_tf.base.atomic import write_json
from sib_tf.base.errors import UserError
from sib_tf.experiments import families

_SECTION = "meta"
# What a trial may cost, which Hyperband sets itself, and what its episodes are.
_FIXED = {"steps", "steps_per_epoch", "train_episodes", "validation_episodes"}
_SHARES = f"{_SECTION}.query_shares"


def read(file: Path) -> keras_tuner.HyperParameters:
    """The space that a Python file declares in its function `get_space`.

    Raises:
        UserError: if the file is missing, fails, or declares no space.
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
    """Refuses a space with an invalid name or value.

    Raises:
        UserError: if a name is not a field that only meta-training reads, or a value is invalid.
    """
    fields = {field.name for field in dataclasses.fields(families.read(config).meta)}
    allowed = [f"{_SECTION}.{field}" for field in sorted(fields - _FIXED)]
    for parameter in space.space:
        if parameter.name not in allowed:
            raise UserError(
                f"--space: {parameter.name} cannot be searched, only {', '.join(allowed)}: the "
                "rest changes the data, phi or what a trial may cost."
            )
        for value in _ends(parameter):
            families.read(with_values(config, {parameter.name: value}))


def _ends(parameter: Any) -> Sequence[Any]:
    """Every value of a choice, the least and the largest of a range."""
    is_range = hasattr(parameter, "min_value")
    return (parameter.min_value, parameter.max_value) if is_range else parameter.values


def query_shares(space: keras_tuner.HyperParameters, config: ConfigDict) -> list[str]:
    """How the queries of training episodes are shared, in any trial or in the config itself."""
    searched = [p for p in space.space if p.name == _SHARES]
    values = [value for parameter in searched for value in parameter.values]
    return list(dict.fromkeys([config.meta.query_shares, *values]))


def with_values(config: ConfigDict, values: Mapping[str, Any]) -> ConfigDict:
    """A copy of a config with some fields changed.

    Raises:
        UserError: if a value is of another type than the field.
    """
    changed = copy.deepcopy(config)
    try:
        changed.update_from_flattened_dict(values)
    except TypeError as error:
        raise UserError(f"--space: {error}") from error
    return changed


def with_shares(config: ConfigDict, shares: str) -> ConfigDict:
    """A copy of a config with other shares of the queries in training episodes."""
    return with_values(config, {_SHARES: shares})


def changed_section(section: Any, values: Mapping[str, Any]) -> Any:
    """The section `config.meta` with the values of a trial."""
    return dataclasses.replace(
        section, **{name.removeprefix(f"{_SECTION}."): value for name, value in values.items()}
    )


def present_values(space: keras_tuner.HyperParameters, section: Any) -> dict[str, Any]:
    """What the section `config.meta` has in place of the values that vary."""
    names = [parameter.name for parameter in space.space]
    return {name: getattr(section, name.removeprefix(f"{_SECTION}.")) for name in names}


def keep(file: Path, space: keras_tuner.HyperParameters) -> None:
    """Writes down what is searched; keras-tuner would go on with another space and say nothing.

    Args:
        file: file of the search, JSON.
        space: space to search.

    Raises:
        UserError: if the search was begun with another space.
    """
    content = json.loads(json.dumps(space.get_config()))
    if file.exists() and json.loads(file.read_text()) != content:
        raise UserError(
            f"{file.parent} was begun with another --space: delete it to search anew, or pass the "
            "old one."
        )
    write_json(file, content)
