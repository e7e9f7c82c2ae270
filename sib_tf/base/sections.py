"""Sections of a config as the dataclasses that document and check them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from sib_tf.base.errors import UserError

T = TypeVar("T")


def build(kind: type[T], name: str, fields: Mapping[str, Any]) -> T:
    """Makes the dataclass of a section.

    Args:
        kind: the dataclass. What it refuses with a UserError begins with the name of the field.
        name: name of the section, such as "phi".
        fields: fields of the section. Lists become tuples.

    Raises:
        UserError: if a field is unknown, missing or refused by the dataclass; names it as
            `config.NAME.FIELD`.
    """
    known = {field.name: field for field in dataclasses.fields(kind) if field.init}
    for field in fields:
        if field not in known:
            raise UserError(f"config.{name}.{field} is unknown: use {', '.join(known)}.")
    for field in known.values():
        if _is_required(field) and field.name not in fields:
            raise UserError(
                f"The config has no field `{name}.{field.name}`: add it to the config file."
            )
    try:
        return kind(**{field: _frozen(value) for field, value in fields.items()})
    except UserError as error:
        raise UserError(f"config.{name}.{error}") from None


def defaults(kind: type) -> dict[str, Any]:
    """Field -> default, of the fields of a dataclass that have one."""
    return {
        field.name: field.default
        for field in dataclasses.fields(kind)
        if field.default is not dataclasses.MISSING
    }


def _is_required(field: dataclasses.Field) -> bool:
    return field.default is field.default_factory is dataclasses.MISSING


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
