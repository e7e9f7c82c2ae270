"""Beam's runner on Dask, with what it lacks in Beam 2.77.

There it drops what a DoFn yields when its bundle ends, which is how files are finished; computes
the last of several outputs alone, where TFDS has one for each split; computes a side input anew
wherever it is read, which writes files twice; and counts nothing: tests/beam/engines_test.py shows
it. It also mixes the tagged outputs of a DoFn. So this one makes the tasks itself, each of which
runs once. The options and what Beam's transforms are replaced by are Beam's.

It takes bounded pipelines in the global window, without state and timers.
"""

import contextlib
import dataclasses
import itertools
import logging
import math
import operator
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import dask.config
from apache_beam.internal import pickler
from apache_beam.metrics.execution import MetricsContainer, MetricUpdates
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import AppliedPTransform, Pipeline, PipelineVisitor
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.runners.common import DoFnRunner, Receiver
from apache_beam.runners.dask import dask_runner, overrides
from apache_beam.runners.direct.direct_metrics import DirectMetrics
from apache_beam.runners.runner import PipelineResult, PipelineState
from apache_beam.runners.worker.statesampler import StateSampler, set_current_tracker
from apache_beam.transforms.sideinputs import SideInputMap
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.counters import CounterFactory
from apache_beam.utils.windowed_value import WindowedValue
from dask.base import tokenize
from dask.distributed import Client, Future

# More bundles than threads, so that none waits long for the last; few, as each sets up its DoFn.
_BUNDLES_OF_A_THREAD = 4
# An environment variable of the processes that Dask starts here
_LOGGING = "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED"


class DaskRunner(dask_runner.DaskRunner):
    """Runs a pipeline on a Dask cluster, by default one of processes on this machine."""

    def run_pipeline(self, pipeline: Pipeline, options: PipelineOptions) -> PipelineResult:
        """Called by Beam. Returns when the pipeline is done; raises the first error of a worker."""
        dask_options = options.view_as(dask_runner.DaskOptions).get_all_options(
            drop_default=True, current_only=True
        )
        sizes = {name: dask_options.pop(name, None) for name in ("npartitions", "partition_size")}
        pipeline.replace_all(overrides.dask_overrides())
        with _warnings_alone(), Client(**dask_options) as client:
            threads = sum(client.nthreads().values())
            sizes["npartitions"] = sizes["npartitions"] or _BUNDLES_OF_A_THREAD * max(1, threads)
            tasks = _Tasks(client, **sizes)
            pipeline.visit(tasks)
            return _Result(client.gather(tasks.counts()))


@contextlib.contextmanager
def _warnings_alone() -> Iterator[None]:
    """Keeps Dask, which tells of every connection, to warnings; so too processes it starts here."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with dask.config.set({_LOGGING: "warning"}):
            yield
    finally:
        logger.setLevel(level)


class _Result(PipelineResult):
    def __init__(self, updates: Iterable[MetricUpdates]) -> None:
        super().__init__(PipelineState.DONE)
        self._metrics = DirectMetrics()
        for bundle, counted in enumerate(updates):
            self._metrics.commit_logical(bundle, counted)

    def wait_until_finish(self, duration: int | None = None) -> str:
        return self.state

    def metrics(self) -> DirectMetrics:
        return self._metrics


# A part of a PCollection: a task that makes a list, or the list.
_Part = Future | list


class _Tasks(PipelineVisitor):
    """Visits the transforms of a pipeline and starts the tasks that run them."""

    def __init__(self, client: Client, npartitions: int, partition_size: int | None) -> None:
        self._client, self._npartitions, self._partition_size = client, npartitions, partition_size
        self._parts: dict[PCollection, list[_Part]] = {}
        self._counts: list[Future] = []

    def counts(self) -> list[Future]:
        """What each bundle has counted. Results that no task needs any more are let go."""
        self._parts.clear()
        return self._counts

    def visit_transform(self, node: AppliedPTransform) -> None:
        """Called by Beam for each transform that is not made of others, inputs first."""
        if not all(isinstance(p.windowing.windowfn, GlobalWindows) for p in node.outputs.values()):
            raise NotImplementedError(f"{node.full_label}: this runner knows no windows.")
        inputs = [self._parts[made] for made in node.inputs if not isinstance(made, PBegin)]
        match node.transform:
            case overrides._Create(values=values):
                parts = self._split(list(values))
            case overrides._GroupByKeyOnly():
                parts = self._group(*inputs)
            case overrides._GroupAlsoByWindow():
                (parts,) = inputs  # there is one window
            case beam.ParDo():
                self._run(node, *inputs)
                return
            case _ if inputs:  # Flatten, Reshuffle
                parts = list(itertools.chain.from_iterable(inputs))
            case _:
                raise NotImplementedError(f"{node.full_label}: this runner knows no such source.")
        self._parts.update(dict.fromkeys(node.outputs.values(), parts))

    def _submit(self, function: Callable, *args: Any, **kwargs: Any) -> Future:
        # Not pure: a name of its own for each task, however much it resembles another.
        return self._client.submit(function, *args, **kwargs, pure=False)

    def _split(self, values: Sequence) -> list[_Part]:
        size = self._partition_size or max(1, math.ceil(len(values) / self._npartitions))
        return [list(values[start : start + size]) for start in range(0, len(values), size)]

    def _group(self, parts: list[_Part]) -> list[_Part]:
        count = len(parts)
        split = [self._submit(_split_by_key, part, count) for part in parts]
        return [
            self._submit(_group, [self._submit(operator.getitem, keyed, group) for keyed in split])
            for group in range(count)
        ]

    def _run(self, node: AppliedPTransform, parts: list[_Part]) -> None:
        transform = node.transform
        views = [(type(side), side._view_options()) for side in node.side_inputs]
        dofn = pickler.dumps((transform.fn, transform.args, transform.kwargs, views))
        # A task of its own, as what is scattered is lost with the worker that has it.
        shipped = self._submit(bytes, dofn)
        sides = [self._submit(_concatenate, self._parts[s.pvalue]) for s in node.side_inputs]
        bundles = [
            self._submit(_run_bundle, part, shipped, node.full_label, sides) for part in parts
        ]
        self._counts += [self._submit(operator.attrgetter("counted"), bundle) for bundle in bundles]
        for tag, made in node.outputs.items():
            self._parts[made] = [self._submit(_values_of, bundle, tag) for bundle in bundles]


def _split_by_key(pairs: list[tuple[Hashable, Any]], count: int) -> list[list]:
    split = [[] for _ in range(count)]
    for pair in pairs:
        # Python's own hash() differs between processes.
        split[int(tokenize(pair[0]), 16) % count].append(pair)
    return split


def _group(parts: list[list[tuple[Hashable, WindowedValue]]]) -> list[tuple[Hashable, list]]:
    groups = defaultdict(list)
    for key, value in itertools.chain.from_iterable(parts):
        groups[key].append(value.value)
    return list(groups.items())


def _concatenate(parts: list[list]) -> list:
    return list(itertools.chain.from_iterable(parts))


class _Values(Receiver):
    def __init__(self) -> None:
        self.values = []

    def receive(self, windowed_value: WindowedValue) -> None:
        self.values.append(windowed_value.value)


@dataclasses.dataclass(frozen=True)
class _Bundle:
    """What a DoFn has made of a part: the values of each output by its tag, and its counts."""

    outputs: dict[str | None, list]
    counted: MetricUpdates


def _run_bundle(items: list, pickled: bytes, label: str, sides: list[list]) -> _Bundle:
    """Runs a DoFn, on a worker."""
    dofn, args, kwargs, views = pickler.loads(pickled)
    outputs, counted = defaultdict(_Values), MetricsContainer(label)
    runner = DoFnRunner(
        dofn,
        args,
        kwargs,
        [
            SideInputMap(view, options, list(map(GlobalWindows.windowed_value, values)))
            for (view, options), values in zip(views, sides, strict=True)
        ],
        beam.Windowing(GlobalWindows()),
        tagged_receivers=outputs,
        step_name=label,
    )
    sampler = StateSampler("dask", CounterFactory())
    set_current_tracker(sampler)
    try:
        with sampler.scoped_state(label, "process", metrics_container=counted):
            runner.setup()
            runner.start()
            for item in items:
                runner.process(GlobalWindows.windowed_value(item))
            runner.finish()
            runner.teardown()
    finally:
        set_current_tracker(None)
    made = {tag: output.values for tag, output in outputs.items()}
    return _Bundle(made, counted.get_cumulative())


def _values_of(bundle: _Bundle, tag: str | None) -> list:
    return bundle.outputs.get(tag, [])
