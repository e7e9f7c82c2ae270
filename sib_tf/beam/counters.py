"""What Beam's workers count while a job runs, for its log and for the engine's own display.

A counter is a comfort, never a proof: some runners count nothing, others count a piece of work
again that they have repeated, and Prism forgets one of two pieces that end together (Beam 2.77,
metrics.go: counts wait under the short name of their counter until Prism knows it).
"""

import logging
from typing import TYPE_CHECKING

import tensorflow_datasets as tfds

if TYPE_CHECKING:
    from apache_beam.metrics.metric import Metrics
    from apache_beam.runners.runner import PipelineResult

_NAMESPACE = "sib_tf"
_LOG = logging.getLogger("sib_tf")


def counter(name: str) -> "Metrics.DelegatingCounter":
    """A counter to `inc()` on a worker; `name` is words that go before a number in the log."""
    # Who only reads a data set need not wait for Beam to be imported.
    return tfds.core.lazy_imports.apache_beam.metrics.Metrics.counter(_NAMESPACE, name)


def counted(result: "PipelineResult") -> dict[str, int]:
    """All counters of a pipeline that has ended, by name; none if its runner does not count."""
    metrics = tfds.core.lazy_imports.apache_beam.metrics
    chosen = metrics.MetricsFilter().with_namespace(_NAMESPACE)
    try:
        found = result.metrics().query(chosen)["counters"]
    except NotImplementedError:
        return {}
    counts: dict[str, int] = {}
    for one in found:  # of each transform
        counts[one.key.metric.name] = counts.get(one.key.metric.name, 0) + one.result
    return counts


def log(result: "PipelineResult") -> None:
    """Says what the workers of a pipeline that has ended have counted."""
    counts = counted(result)
    if counts:
        _LOG.info("Workers counted %s.", ", ".join(f"{n:,} {name}" for name, n in counts.items()))
