"""Workers run what they are sent as pickles, which other versions may read in another way."""

import platform
from typing import TYPE_CHECKING, Any

import tensorflow_datasets as tfds

from sib_tf.base.errors import UserError

if TYPE_CHECKING:
    import apache_beam as beam


def same_versions() -> "beam.PTransform":
    """Passes elements on, where the worker has the Beam and the Python of this process.

    Its workers raise a UserError that names both, if not.
    """
    # Who only reads a data set need not wait for Beam to be imported.
    return tfds.core.lazy_imports.apache_beam.Map(_refuse_others, _versions())


def _versions() -> str:
    minor = ".".join(platform.python_version_tuple()[:2])
    return f"Beam {tfds.core.lazy_imports.apache_beam.__version__} and Python {minor}"


def _refuse_others(element: Any, of_job: str) -> Any:
    if (here := _versions()) != of_job:
        raise UserError(
            f"A worker has {here}, this job {of_job}: install requirements.txt where the worker "
            "pool runs, or in its container (docs/scaling.md)."
        )
    return element
