"""Options of engines that are misspelt or missing, found before anything is written."""

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    PortableOptions,
    SetupOptions,
    StandardOptions,
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.portability import common_urns
from apache_beam.runners import create_runner

from sib_tf.base.errors import UserError
from sib_tf.beam import servers

# These start a job server, which alone knows what options it has, unless one is named.
_WITH_OWN_JOB_SERVER = {"FlinkRunner", "SparkRunner"}

_PORTABLE = "PortableRunner"
_STARTED_HERE = "embed"  # in place of the address of a job server


def refuse_unknown(beam_args: Sequence[str], parsed: PipelineOptions) -> None:
    """Refuses what neither Beam nor the job server, where one runs already, knows.

    Args:
        beam_args: arguments.
        parsed: what Beam has made of them.

    Raises:
        UserError: names the argument, a job server that does not answer, or one that is not named.
    """
    runner, endpoint = parsed.view_as(StandardOptions).runner, _job_endpoint(parsed)
    known = servers.job_server_options(endpoint) if endpoint else []
    if (unknown := _unknown(beam_args, known)) and (endpoint or runner not in _WITH_OWN_JOB_SERVER):
        raise UserError(f"{unknown[0]} is not a Beam option: correct it or leave it out.")


def _job_endpoint(parsed: PipelineOptions) -> str | None:
    runner = parsed.view_as(StandardOptions).runner
    endpoint = parsed.view_as(PortableOptions).job_endpoint
    if runner == _PORTABLE and not endpoint:
        raise UserError(f"--runner={runner} needs --job_endpoint=HOST:PORT of a job server.")
    return None if endpoint == _STARTED_HERE else endpoint


def _unknown(beam_args: Sequence[str], known: Sequence[str]) -> list[str]:
    """The arguments that Beam would ignore.

    Args:
        beam_args: arguments.
        known: names of options that are known besides Beam's.
    """
    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    (parser,) = parsers
    parser.exit_on_error = False
    for name in known:
        with contextlib.suppress(argparse.ArgumentError):  # Beam has it, too
            parser.add_argument(f"--{name}", nargs="?")
    try:
        return parser.parse_known_args(list(beam_args))[1]
    except argparse.ArgumentError as error:
        raise UserError(f"Beam: {error}") from None


def refuse_what_beam_would(parsed: PipelineOptions) -> None:
    """Tells at once, in one line, what Beam finds later.

    Raises:
        UserError: if options are missing, contradict each other or have wrong values.
    """
    runner, setup = parsed.view_as(StandardOptions).runner, parsed.view_as(SetupOptions).setup_file
    faults = PipelineOptionsValidator(parsed, create_runner(runner)).validate()
    if setup and not Path(setup).is_file():
        faults.append(f"--setup_file={setup} is missing.")
    environment = parsed.view_as(PortableOptions).environment_type
    if environment and not _is_environment(environment):
        faults.append(f"--environment_type={environment} is none of Beam's, such as EXTERNAL.")
    if parsed.view_as(DirectOptions).direct_num_workers < 0:
        faults.append("--direct_num_workers must be at least 0, which is the number of cores.")
    if faults:
        raise UserError(f"--runner={runner}: {faults[0]}")


def _is_environment(name: str) -> bool:
    # As Environment.from_options, which also packages what the workers install.
    environments = common_urns.environments
    return name == "LOOPBACK" or name.startswith("beam:env:") or hasattr(environments, name)
