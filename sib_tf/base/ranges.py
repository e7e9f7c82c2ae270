"""Refuses numbers that are out of range.

A message begins with the name of the field and its value: `epochs=0 must be ...`.
"""

import math

from sib_tf.base.errors import UserError


def at_least(least: float, **fields: float) -> None:
    """Refuses a field below `least`, infinite or NaN.

    Raises:
        UserError: names the field.
    """
    for name, value in fields.items():
        if not least <= value < math.inf:
            raise UserError(f"{name}={value} must be at least {least} and finite.")


def finite(**fields: float) -> None:
    """Refuses a field that is infinite or NaN.

    Raises:
        UserError: names the field.
    """
    for name, value in fields.items():
        if not math.isfinite(value):
            raise UserError(f"{name}={value} must be finite.")


def positive(**fields: float) -> None:
    """Refuses a field that is 0, negative, infinite or NaN.

    Raises:
        UserError: names the field.
    """
    for name, value in fields.items():
        if not 0 < value < math.inf:
            raise UserError(f"{name}={value} must be positive and finite.")
