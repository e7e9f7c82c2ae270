"""What all jobs share: flags, argument checks and error handling."""

import dataclasses
import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import app, flags
from ml_collections import ConfigDict, config_flags

from sib_tf.base import storage
from sib_tf.base.errors import UserError, first_line, lines
from sib_tf.experiments import execution, families
from sib_tf.experiments.step import Step

from . import _configs

_INTERRUPTED = 130  # 128 + SIGINT, as shells do
_REMEDY = ": make room, fix the permissions or name another folder."


@dataclasses.dataclass(frozen=True)
class Experiment:
    """The config and the folders that the flags of a job name."""

    config: ConfigDict
    workdir: Path
    base: Path

    def run(self, steps: Sequence[Step], beam_args: Sequence[str] = ()) -> list[Step]:
        """Runs the unfinished ones of `steps` in order; returns the others, which are skipped."""
        config = families.read(self.config)
        return execution.execute_all(steps, config, self.workdir, self.base, beam_args)

    def changed(self, fields: Mapping[str, Any]) -> "Experiment":
        """The same experiment with other values of some fields of its config, by their paths."""
        config = self.config.copy_and_resolve_references()
        with config.unlocked():
            config.update_from_flattened_dict(fields)
        return dataclasses.replace(self, config=config)

    def assist(self, step: Step) -> None:
        """Runs a step unless it is finished, alongside the process that writes its result."""
        execution.assist(step, families.read(self.config), self.workdir, self.base)


def define_config_flag(*, required: bool = True) -> Callable[[], ConfigDict]:
    """Defines --config; returns a function that reads it after parsing."""
    holder = config_flags.DEFINE_config_file(
        "config",
        None,
        "File of the experiment, or the name of a config that comes with this package. "
        "--config.SECTION.FIELD=VALUE changes a field.",
        lock_config=True,
    )
    if required:
        flags.mark_flag_as_required("config")

    def config() -> ConfigDict:
        try:
            holder.value.keys()
        except OSError as error:  # ml_collections loads the file early and raises late
            file = config_flags.get_config_filename(flags.FLAGS["config"])
            exists = Path(file.partition(":")[0]).exists()
            reason = first_line(_root_cause(error)) if exists else "no such file"
            raise UserError(f"--config={file} cannot be loaded: {reason}") from None
        return holder.value

    return config


def define_experiment_flags(*, required: bool = True) -> Callable[[], Experiment]:
    """Defines --config, --workdir and --base; returns a function that reads them after parsing.

    Args:
        required: whether --config and --workdir must be given; else the job checks them.
    """
    config = define_config_flag(required=required)
    folder = flags.DEFINE_string("workdir", None, "Folder that all steps of the experiment share.")
    base = flags.DEFINE_string(
        "base",
        None,
        "Folder of the steps that several experiments share: data, backbone and features. "
        "Defaults to --workdir.",
    )
    if required:
        flags.mark_flag_as_required("workdir")
    refuse_empty("workdir")
    return lambda: Experiment(
        config(), storage.path(folder.value), storage.path(base.value or folder.value)
    )


def refuse_empty(*folders: str) -> None:
    """Refuses empty folder flags, which come from unset shell variables."""
    for name in folders:
        flags.register_validator(name, lambda value: value != "", "is empty: name a folder.")


def _root_cause(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return error


def refuse_arguments(arguments: Sequence[str]) -> None:
    """Refuses arguments that are not flags, for jobs without Beam.

    Raises:
        UserError: if there are any.
    """
    if arguments:
        raise UserError(f"{arguments[0]} is not a flag, and nothing else is expected. See --help.")


def run(
    main: Callable[[Sequence[str]], None],
    check_arguments: Callable[[Sequence[str]], Any] = refuse_arguments,
) -> None:
    """Runs a job; invalid input ends it with one line on stderr and exit code 1, no traceback.

    Ctrl-C ends it with one line and exit code 130.

    Args:
        main: function of the job; called with the name of the program and the arguments that are
            not flags.
        check_arguments: function that raises UserError if an argument that is no flag is invalid.
    """
    # `bazel run` starts a job in a folder of copies; the variable has the user's current folder.
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    if sys.stdout:
        sys.stdout.reconfigure(errors="backslashreplace")  # for names of files, as on stderr
    # absl assigns shared flags to this file, but `--help` shows only those of the job's own file.
    for flag in flags.FLAGS.get_key_flags_for_module(__name__):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    try:
        app.run(main, flags_parser=functools.partial(_parse, check_arguments=check_arguments))
    except (UserError, OSError) as error:
        remedy = _REMEDY if isinstance(error, OSError) else ""
        print(f"error: {_one_line(error)}{remedy}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on.", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def _parse(argv: Sequence[str], check_arguments: Callable[[Sequence[str]], Any]) -> list[str]:
    parsed = _parse_flags(argv)
    check_arguments(parsed[1:])
    return parsed


def _parse_flags(argv: Sequence[str]) -> list[str]:
    argv = _with_config_path(argv)
    try:
        return flags.FLAGS(argv)
    except UserError as error:  # of a config file
        raise UserError(f"{_config_of(argv)}: {error}") from None
    except flags.Error as error:
        raise UserError(f"{_one_line(error)} See --help.") from None
    except AttributeError as error:  # of ml_collections, possibly with a suggestion
        field, *guess = lines(error)
        remedy = guess[-1] if guess else "See the config file for its fields."
        raise UserError(f"--config has no field {field}. {remedy}") from None
    except (KeyError, TypeError, ValueError) as error:  # of ml_collections: a value of a wrong type
        raise UserError(f"--config: {_one_line(error)}") from None
    except Exception as error:  # a config file is code, which can raise anything
        raise UserError(
            f"{_config_of(argv)} cannot be loaded: {type(error).__name__}: {_one_line(error)}"
        ) from None


def _with_config_path(argv: Sequence[str]) -> list[str]:
    """Replaces the name of a config, as in `--config=glyphs`, by the path of its file."""
    flag, found = "--config", list(argv)
    for n, argument in enumerate(argv):
        if argument.startswith(f"{flag}="):
            found[n] = f"{flag}={_configs.resolved(argument.removeprefix(f'{flag}='))}"
        elif n and argv[n - 1] == flag:
            found[n] = _configs.resolved(argument)
    return found


def _config_of(argv: Sequence[str]) -> str:
    return " ".join(argument for argument in argv if argument.startswith("--config"))


def _one_line(error: Exception) -> str:
    """Joins an error's first line, its lines about flags and its last line."""
    first, *others = lines(error)
    flag_lines = [line for line in others if line.startswith("flag --")]
    return " ".join(dict.fromkeys((first, *flag_lines, *others[-1:])))
