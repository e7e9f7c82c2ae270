"""The task families, and the steps of an experiment of any of them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from sib_tf.base import sections
from sib_tf.base.errors import UserError
from sib_tf.base.registry import Registry
from sib_tf.experiments.adaptation import family as adaptation
from sib_tf.experiments.adaptation import results_summary as adaptation_results
from sib_tf.experiments.configuration import Configuration
from sib_tf.experiments.few_shot import (
    exported_family,
    features_family,
    ready_family,
    released_family,
)
from sib_tf.experiments.few_shot import family as few_shot
from sib_tf.experiments.few_shot import results_summary as few_shot_results
from sib_tf.experiments.few_shot.grid import refuse_no_ways
from sib_tf.experiments.options import Options
from sib_tf.experiments.regression import family as regression
from sib_tf.experiments.step import Step

_MAX_SEED = 2**32  # NumPy's


@dataclasses.dataclass(frozen=True)
class Family:
    """A kind of task, with the steps of an experiment on it.

    Attributes:
        title: its name in messages.
        sections: name of each section of its configs -> dataclass, or callable with the fields of
            the section that returns one.
        check: callable that refuses sections which do not fit each other, by a UserError.
        steps: callable: config and options -> all steps, in an order in which they can run.
        complete: callable: config -> the same with what one section leaves open for another to say;
            comes before `check`.
        summarize: callable: folder of published reports -> table of all of the family, in Markdown;
            None if there is none.
    """

    title: str
    sections: Mapping[str, Callable[..., Any]]
    check: Callable[[Configuration], None]
    steps: Callable[[Configuration, Options], list[Step]]
    complete: Callable[[Configuration], Configuration] = lambda config: config
    summarize: Callable[[Path], str] | None = None


FAMILIES: Registry[Family] = Registry("config.family")
FAMILIES["few_shot"] = Family(
    few_shot.TITLE,
    few_shot.SECTIONS,
    few_shot.check,
    few_shot.steps,
    few_shot.complete,
    few_shot_results.summarize,
)
FAMILIES["features"] = Family(
    features_family.TITLE, features_family.SECTIONS, refuse_no_ways, features_family.steps
)
FAMILIES["ready"] = Family(
    ready_family.TITLE, ready_family.SECTIONS, ready_family.check, ready_family.steps
)
FAMILIES["released"] = Family(
    released_family.TITLE, released_family.SECTIONS, released_family.check, released_family.steps
)
FAMILIES["exported"] = Family(
    exported_family.TITLE, exported_family.SECTIONS, refuse_no_ways, exported_family.steps
)
FAMILIES["regression"] = Family(
    regression.TITLE, regression.SECTIONS, regression.check, regression.steps
)
FAMILIES["adaptation"] = Family(
    adaptation.TITLE,
    adaptation.SECTIONS,
    adaptation.check,
    adaptation.steps,
    summarize=adaptation_results.summarize,
)


def read(config: ConfigDict) -> Configuration:
    """Checks a config, so that a bad field is refused in the first second and not hours later.

    Args:
        config: `family`, `seed`, the sections of the family, and maybe `manual_dir`, the folder of
            files that the user has downloaded.

    Raises:
        UserError: if a field is missing, unknown or out of range; names it.
    """
    fields = config.to_dict()
    family = _family(config)
    del fields["family"]
    seed = fields.pop("seed", 0)
    if not 0 <= seed < _MAX_SEED:
        raise UserError(f"config.seed={seed} must be at least 0 and less than 2**32.")
    values = {"seed": seed, "manual_dir": fields.pop("manual_dir", None)}
    for name, kind in family.sections.items():
        values[name] = _section(kind, name, fields.pop(name, {}))
    if fields:
        raise UserError(f"config.{next(iter(fields))} is unknown: see the sections of the config.")
    complete = family.complete(Configuration(values))
    family.check(complete)
    return complete


def _family(config: ConfigDict) -> Family:
    return FAMILIES[config.get("family")]


def _section(kind: Callable[..., Any], name: str, fields: Mapping[str, Any]) -> Any:
    return sections.build(kind, name, fields) if isinstance(kind, type) else kind(**fields)


def steps(config: ConfigDict, options: Options | None = None) -> list[Step]:
    """All steps of an experiment, in an order in which they can run.

    Raises:
        UserError: if the config is not one that `read` accepts, or the options do not fit.
    """
    return _family(config).steps(read(config), options or Options())


def steps_of(config: ConfigDict, name: str, options: Options | None = None) -> list[Step]:
    """The steps of one job.

    Raises:
        UserError: in the cases of `steps`, or if the family has no such step.
    """
    every = steps(config, options)
    chosen = [step for step in every if step.name == name]
    if not chosen:
        names = dict.fromkeys(step.name for step in every)
        title = _family(config).title
        raise UserError(f"A {title} has no step {name}, only {', '.join(names)}.")
    return chosen


def weights(config: ConfigDict, workdir: Path, base: Path) -> Sequence[Path]:
    """The files with what a finished experiment has learned.

    Args:
        config: config of the experiment.
        workdir: its working directory.
        base: working directory of its shared steps.

    Raises:
        UserError: in the cases of `steps`.
    """
    return [
        (base if step.shared else workdir) / step.folder / step.weights
        for step in steps(config)
        if step.weights
    ]
