"""How this project runs Beam pipelines: its default runner, and its errors in one line."""

import contextlib
import logging
import re
from collections.abc import Iterator, Sequence

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from sib_tf.errors import UserError

_RAISED_IN_WORKER = re.compile(
    rf"^(?:{UserError.__module__}\.{UserError.__qualname__}: )?(.+) \[while running '", re.MULTILINE
)


def options(beam_args: Sequence[str]) -> PipelineOptions:
    """Pipeline options from command-line arguments such as `--direct_num_workers=2`.

    Without `--runner`, the pipeline runs in this process. Beam's own default, the `DirectRunner`,
    first tries to download another runner from the internet.
    """
    parsed = PipelineOptions(list(beam_args))
    standard = parsed.view_as(StandardOptions)
    standard.runner = standard.runner or "FnApiRunner"
    return parsed


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Lets a UserError that was raised in a worker out as it went in, without Beam's traceback.

    Beam re-raises it with the name of the transform, or, from another process, as a RuntimeError
    whose text is the traceback.
    """
    logger = logging.getLogger("apache_beam.runners")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    except Exception as error:
        raised = _RAISED_IN_WORKER.search(str(error))
        if raised and (isinstance(error, UserError) or UserError.__qualname__ in str(error)):
            raise UserError(raised[1]) from error
        raise
    finally:
        logger.setLevel(level)
