"""A config as the text of a file that `--config=` takes."""

import json
from typing import Any

from ml_collections import ConfigDict


def source(config: ConfigDict, description: str) -> str:
    """Python text of a config file, its fields by name.

    Args:
        config: flat, of numbers, strings, truth values, tuples of strings, and fields left out.
        description: for the head of the file.
    """
    fields = "\n".join(f"    config.{name} = {_literal(config, name)}" for name in config)
    imported = "ConfigDict, config_dict" if "config_dict." in fields else "ConfigDict"
    return (
        f'"""{description}"""\n\n'
        f"from ml_collections import {imported}\n\n\n"
        "def get_config() -> ConfigDict:\n"
        "    config = ConfigDict()\n"
        f"{fields}\n"
        "    return config\n"
    )


def _literal(config: ConfigDict, name: str) -> str:
    value = config[name]
    if value is None:
        return f"config_dict.placeholder({config.get_type(name).__name__})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_scalar, value))}{',' if len(value) == 1 else ''})"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)
