"""How this project runs Beam: default runner, chunks to sharded records, errors in one line."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners import create_runner

from sib_tf.base.errors import UserError, first_line
from sib_tf.beam import counters, option_checks, prism, servers, worker_errors
from sib_tf.beam.records import SUFFIX
from sib_tf.beam.same_versions import same_versions

_DASK = "DaskRunner"


def options(beam_args: Sequence[str]) -> PipelineOptions:
    """Pipeline options from command-line arguments such as `--direct_num_workers=2`.

    Without `--runner`, the pipeline runs in this process. Beam's own default, the `DirectRunner`,
    first tries to download another runner from the internet. `--runner=DaskRunner` is that of
    `sib_tf.beam.dask_runner`, `--runner=PrismRunner` that of `sib_tf.beam.prism`.

    Raises:
        UserError: if an argument is not a Beam option or has a wrong value, if the runner is
            unknown or not installed, or if a server that is named does not answer.
    """
    parsed = PipelineOptions(list(beam_args))
    standard = parsed.view_as(StandardOptions)
    standard.runner = standard.runner or "FnApiRunner"
    if standard.runner == _DASK:
        standard.runner = f"{_load_dask()}.{_DASK}"
    option_checks.refuse_unknown(beam_args, parsed)
    if standard.runner == prism.RUNNER:
        prism.locate(parsed)
        standard.runner = f"{prism.__name__}.{prism.RUNNER}"
    _refuse_missing(standard.runner)
    _require_dask(parsed)
    option_checks.refuse_what_beam_would(parsed)
    return parsed


def _refuse_missing(runner: str) -> None:
    try:
        create_runner(runner)
    except (ImportError, ValueError, AttributeError) as error:
        raise UserError(f"--runner={runner}: {first_line(error)}.") from None


def _require_dask(parsed: PipelineOptions) -> None:
    if address := parsed.get_all_options().get("address"):
        servers.require("--dask_client_address", address)


def _load_dask() -> str:
    """The module of our runner, whose options Beam knows once it is imported."""
    try:
        from sib_tf.beam import dask_runner
    except ImportError as error:
        raise UserError(
            f"--runner={_DASK} needs Dask ({error}): pip install dask distributed."
        ) from None
    return dask_runner.__name__


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Lets an error that a user can mend out of a worker in one line.

    It is a UserError, or an OSError where a disk was full or a permission missing.
    """
    logger = logging.getLogger("apache_beam.runners")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    except Exception as error:
        if plain := worker_errors.mendable(error):
            raise plain from error
        raise
    finally:
        logger.setLevel(level)


def write_records(
    prefix: Path,
    chunks: Iterable[int],
    records: beam.PTransform,
    *,
    num_shards: int = 0,
    beam_args: Sequence[str] = (),
) -> None:
    """Spreads chunks over the workers and writes the records they make as TFRecord shards.

    Args:
        prefix: path of the files without the suffix -00000-of-0000N.tfrecord.
        chunks: elements, one for each piece of work.
        records: transform from chunks to records (bytes).
        num_shards: number of files; 0 leaves it to the runner.
        beam_args: options of the runner.

    Raises:
        UserError: bad input in a worker, or Beam knows no file system of such a prefix.
        OSError: a full disk or a missing permission.
    """
    try:
        FileSystems.get_filesystem(str(prefix))
    except ValueError as error:
        raise UserError(str(error)) from None
    with plain_errors(), beam.Pipeline(options=options(beam_args)) as pipeline:
        _ = (
            pipeline
            | "Chunks" >> beam.Create(chunks)
            | "Versions" >> same_versions()
            | "Spread" >> beam.Reshuffle()
            | "Records" >> records
            | "Write"
            >> beam.io.WriteToTFRecord(str(prefix), file_name_suffix=SUFFIX, num_shards=num_shards)
        )
    counters.log(pipeline.result)
