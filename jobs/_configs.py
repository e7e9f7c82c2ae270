"""The configs that come with this package, by their names."""

from pathlib import Path

# Beside the jobs, in a checkout as well as installed.
_FOLDER = Path(__file__).resolve().parents[1] / "configs"


def resolved(argument: str) -> str:
    """A file argument such as "glyphs" or "cifar_fs:conv4_64,shot=5" with the path of its file.

    Args:
        argument: path of a file, or name of a file that comes with this package, with or without
            ".py"; and maybe a colon and what the file takes.
    """
    name, colon, rest = argument.partition(":")
    file = (_FOLDER / name).with_suffix(".py")
    if Path(name).exists() or not file.is_file():
        return argument
    return f"{file}{colon}{rest}"


def name_of(file: str) -> str:
    """The path of a config file; of one that comes with this package as in a checkout."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(_FOLDER):
        return str(Path("configs") / path.relative_to(_FOLDER))
    return file
