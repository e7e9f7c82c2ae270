"""What a step of an experiment is."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sib_tf.experiments.configuration import Configuration


@dataclasses.dataclass(frozen=True)
class Context:
    """What a step is given to do its work.

    Attributes:
        config: the part of the config that the step says it reads.
        workdir: working directory of the experiment, to read earlier steps from.
        base: working directory of the earlier steps that several experiments share; often the same.
        folder: folder to write into.
        beam_args: options of the Beam runner.
    """

    config: Configuration
    workdir: Path
    base: Path
    folder: Path
    beam_args: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Step:
    """One step: the folder that it writes, what it reads, and the function that does the work.

    Attributes:
        name: name of the job.
        folder: its folder inside the working directory.
        reads: paths of the config (see `Configuration`) that its result depends on, besides those
            of `requires`.
        requires: steps that must be finished first.
        run: callable: context -> counts for `step.json`; does the work.
        consults: paths that `run` reads and its result does not depend on: where files lie, and
            what is refused early.
        resumes: whether `run` can go on from what a killed run left in the folder.
        shared: whether several experiments can use its result, which then lies in their `base`.
        remote: whether `run` can write into an object store.
        weights: file in its folder with what it has learned, if any; published results can take its
            place.
        report: whether it writes `report.json`, to be published.
    """

    name: str
    folder: str
    reads: tuple[str, ...]
    requires: Sequence["Step"]
    run: Callable[[Context], dict[str, Any]]
    consults: tuple[str, ...] = ()
    resumes: bool = False
    shared: bool = False
    remote: bool = False
    weights: str | None = None
    report: bool = False

    def all_reads(self) -> tuple[str, ...]:
        """The paths that it and every step before it read."""
        inherited = (path for step in self.requires for path in step.all_reads())
        return tuple(sorted({*self.reads, *inherited}))

    def with_options(self, **options: Any) -> "Step":
        """The same step with options for `run` that do not change its result."""
        return dataclasses.replace(self, run=functools.partial(self.run, **options))
