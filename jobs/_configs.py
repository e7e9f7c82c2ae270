"""The configs that come with this package, by their names."""

import os
from pathlib import Path

# Next to the jobs, both in a checkout and when installed.
_FOLDER = Path(__file__).resolve().parents[1] / "configs"


def resolved(argument: str) -> str:
    """Replaces the name of a file by its path, in "glyphs" or "cifar_fs:conv4_64,shot=5".

    Args:
        argument: path of a file, or name of a file that comes with this package, with or without
            ".py"; optionally followed by a colon and an argument for the file.
    """
    name, colon, rest = argument.partition(":")
    name = os.path.expanduser(name)  # noqa: PTH111, a Path would refuse the home of nobody
    file = (_FOLDER / name).with_suffix(".py")
    if Path(name).exists() or not file.is_file():
        return f"{name}{colon}{rest}"
    return f"{file}{colon}{rest}"


def name_of(file: str) -> str:
    """The path of a config file, relative to a checkout if it comes with this package."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(_FOLDER):
        return str(Path("configs") / path.relative_to(_FOLDER))
    return file
