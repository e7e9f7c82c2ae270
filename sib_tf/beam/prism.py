"""Beam's runner on Prism, with the Prism that `make prism` has built. Beam's would download one."""

import sysconfig
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.options.pipeline_options import PrismRunnerOptions as PrismOptions
from apache_beam.runners.portability import prism_runner
from apache_beam.runners.portability.job_server import JobServer, StopOnExitJobServer
from apache_beam.utils import shared

from sib_tf.base.errors import UserError

RUNNER = "PrismRunner"


class PrismRunner(prism_runner.PrismRunner):
    """Runs a pipeline on the Prism of --prism_location, started once for all pipelines."""

    # Of its own, or Beam's DirectRunner would find Prism running and take it.
    shared_handle = shared.Shared()

    def default_job_server(self, options: PipelineOptions) -> JobServer:
        """Called by Beam."""
        return self.shared_handle.acquire(lambda: StopOnExitJobServer(PrismJobServer(options)))


class PrismJobServer(prism_runner.PrismJobServer):
    """Starts Prism; Beam logs under the name of this class."""

    def _get_executable_path(self) -> str:
        return self._path  # as it is: Beam makes it executable, also where it cannot be changed


def binary() -> Path:
    """Where `make prism` puts it: beside the Python that runs this."""
    return Path(sysconfig.get_path("scripts"), "prism")


def locate(options: PipelineOptions) -> None:
    """Fills in --prism_location, unless a job server that runs already is named.

    Args:
        options: options of a pipeline, changed in place.

    Raises:
        UserError: if there is no such file.
    """
    if options.view_as(PortableOptions).job_endpoint:
        return
    prism = options.view_as(PrismOptions)
    prism.prism_location = prism.prism_location or str(binary())
    if not Path(prism.prism_location).is_file():
        raise UserError(
            f"--runner={RUNNER} needs {prism.prism_location}, which is missing: `make prism` "
            "builds it, or name one with --prism_location."
        )
