"""Arguments of config files: `--config=configs/cifar_fs.py:conv4_64,shot=5`."""

from typing import Any

from sib_tf.base.errors import UserError


def parse(text: str, **defaults: Any) -> list[Any]:
    """The values that an argument gives, of the types of their defaults.

    Args:
        text: text behind the colon: `name=value` separated by commas; a value without name is that
            of the first name.
        defaults: name -> default.

    Returns:
        The values, in the order of the defaults.

    Raises:
        UserError: if a name is unknown or given twice, or a value is of another type; names it.
    """
    given: dict[str, Any] = {}
    for item in filter(None, text.split(",")):
        name, equals, value = item.partition("=")
        if not equals:
            name, value = next(iter(defaults)), item
        if name not in defaults or name in given:
            raise UserError(
                f"{item} does not fit: give each of {', '.join(defaults)} once at most."
            )
        try:
            given[name] = type(defaults[name])(value)
        except ValueError:
            kind = type(defaults[name]).__name__
            raise UserError(f"{name}={value} must be of type {kind}.") from None
    return [*{**defaults, **given}.values()]
