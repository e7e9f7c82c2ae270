"""Implementations of one concept by the names that configs know them by."""

from collections import UserDict
from typing import Any, TypeVar

from sib_tf.base.errors import UserError

T = TypeVar("T")


class Registry(UserDict[str, T]):
    """Name -> implementation. An entry is added by assignment, also from outside this package.

    Args:
        field: config field or argument that holds such a name, for messages.

    Raises:
        UserError: on look-up of a name that is not there; lists those that are.
    """

    def __init__(self, field: str) -> None:
        super().__init__()
        self._field = field

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping; up to Python 3.11 `UserDict` goes by way of `__missing__`."""
        return self.data.get(name, default)

    def __missing__(self, name: str) -> T:
        """Called by Python for a name that is not there."""
        known = " or ".join(f'"{known}"' for known in self)
        raise UserError(f'{self._field}="{name}" is unknown: use {known}.')
