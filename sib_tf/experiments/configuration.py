"""The config of an experiment, with each section as the dataclass that has checked it."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sib_tf.base import sections


class Configuration:
    """Sections and plain fields of a config by name, as attributes: `config.phi.epochs`.

    What a step may read is named by paths: "seed", a whole section ("phi") or one field of it
    ("eval.episodes").

    Args:
        values: name -> dataclass of a section, or plain value.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        """A section or plain field.

        Raises:
            AttributeError: if there is none of this name, or the step did not say that it reads it.
        """
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(
                f"{name} is not among the sections that are read: {', '.join(self._values)}"
            ) from None

    def replaced(self, **values: Any) -> "Configuration":
        """The same config with other sections or plain fields."""
        return Configuration({**self._values, **values})

    def only(self, paths: Sequence[str]) -> "Configuration":
        """The part of the config that paths name; nothing else can be read from it."""
        values: dict[str, Any] = {}
        for section, field in map(_split, sorted(paths)):
            whole = self._values[section]
            if not field:
                values[section] = whole
            elif values.get(section) is not whole:
                part = values.setdefault(section, SimpleNamespace())
                setattr(part, field, getattr(whole, field))
        return Configuration(values)

    def record(self, paths: Sequence[str]) -> dict[str, Any]:
        """The part of the config that paths name, nested, as it comes back from JSON."""
        values = self.only(paths)._values
        return json.loads(json.dumps({name: _plain(value) for name, value in values.items()}))

    def defaults(self) -> dict[str, Any]:
        """Path of each field with a default -> default, as it comes back from JSON."""
        found = {
            f"{name}.{field}": default
            for name, value in self._values.items()
            if dataclasses.is_dataclass(value)
            for field, default in sections.defaults(type(value)).items()
        }
        return json.loads(json.dumps(found))


def flattened(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Path and value of each field of a nested record."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{path}", field) for path, field in flattened(value))
        else:
            yield name, value


def _split(path: str) -> tuple[str, str]:
    section, _, field = path.partition(".")
    return section, field


def _plain(value: Any) -> Any:
    if isinstance(value, SimpleNamespace):
        return vars(value)
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value
