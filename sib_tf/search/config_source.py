"""A config as the text of a file that `--config=` takes."""

import json
from collections.abc import Iterator
from typing import Any

from ml_collections import ConfigDict


def source(config: ConfigDict, description: str) -> str:
    """Python text of a config file, its fields by name.

    Args:
        config: sections and plain fields: numbers, strings, truth values, tuples of strings or
            numbers, and fields that are left out.
        description: text at the head of the file.
    """
    fields = "\n".join(f"    {line}" for line in _lines(config, "config"))
    imported = "ConfigDict, config_dict" if "config_dict." in fields else "ConfigDict"
    return (
        f'"""{description}"""\n\n'
        f"from ml_collections import {imported}\n\n\n"
        "def get_config() -> ConfigDict:\n"
        "    config = ConfigDict()\n"
        f"{fields}\n"
        "    return config\n"
    )


def _lines(config: ConfigDict, path: str) -> Iterator[str]:
    for name in config:
        value = config[name]
        if isinstance(value, ConfigDict):
            yield f"{path}.{name} = ConfigDict()"
            yield from _lines(value, f"{path}.{name}")
        else:
            yield f"{path}.{name} = {_literal(config, name)}"


def _literal(config: ConfigDict, name: str) -> str:
    value = config[name]
    if value is None:
        return f"config_dict.placeholder({config.get_type(name).__name__})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_scalar, value))}{',' if len(value) == 1 else ''})"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)
