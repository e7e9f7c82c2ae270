"""What every job shares: its flags, and how it ends."""

import logging as std_logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from sib_tf import workdir
from sib_tf.errors import UserError


def define_experiment_flags() -> Callable[[], tuple[ConfigDict, Path]]:
    """Defines --config and --workdir; the result reads them once they are parsed."""
    config = config_flags.DEFINE_config_file(
        "config",
        None,
        "File of the experiment. --config.FIELD=VALUE changes a field.",
        lock_config=True,
    )
    folder = flags.DEFINE_string("workdir", None, "Folder that all steps of the experiment share.")
    flags.mark_flags_as_required(["config", "workdir"])

    def experiment() -> tuple[ConfigDict, Path]:
        try:
            config.value.keys()
        except OSError as error:  # ml_collections loads the file early and complains late
            file = config_flags.get_config_filename(flags.FLAGS["config"])
            exists = Path(file.partition(":")[0]).exists()
            reason = _root_cause(error) if exists else "no such file"
            raise UserError(f"--config={file} cannot be loaded: {reason}") from None
        return config.value, Path(folder.value)

    return experiment


def _root_cause(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return error


def run_steps(
    steps: Sequence[workdir.Step], config: ConfigDict, folder: Path, beam_args: Sequence[str]
) -> None:
    """Runs steps one after the other, those that are not finished yet."""
    for step in steps:
        workdir.execute(step, config, folder, beam_args)


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Runs a job: bad input ends in one line on stderr and exit code 1, not in a traceback."""
    logging.set_verbosity(logging.WARNING)  # of the libraries
    std_logging.getLogger("sib_tf").setLevel(std_logging.INFO)
    try:
        app.run(main, flags_parser=_parse_flags)
    except (UserError, OSError) as error:
        print(f"error: {str(error).splitlines()[0]}", file=sys.stderr)
        sys.exit(1)


def _parse_flags(argv: Sequence[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        raise UserError(f"{error} See --help.") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # ml_collections: an unknown config field, or a value of the wrong type.
        raise UserError(f"--config: {error}") from None
