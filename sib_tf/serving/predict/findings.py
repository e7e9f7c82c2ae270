"""What there is to say of a classified folder, in sentences for the terminal and the page."""

import os
from collections.abc import Sequence
from itertools import islice

import numpy as np

from sib_tf.base.intervals import wilson
from sib_tf.report.markdown import table
from sib_tf.report.wording import percent
from sib_tf.serving.predict.outcome import Outcome
from sib_tf.serving.predict.truth import UNKNOWN, confusion

_NAMED = 5  # of several alike


def lines(outcome: Outcome) -> list[str]:
    """All there is to say, for a terminal."""
    tables = [] if outcome.truth is None else [_confusion_table(outcome)]
    warned = [f"Mind: {line}" for line in warnings(outcome)]
    return [*expected(outcome), *measured(outcome), *tables, *warned]


def expected(outcome: Outcome) -> list[str]:
    """What accuracy to expect."""
    found = outcome.expectation
    if found is None:
        return [f"What accuracy to expect is not known: {_why_unknown(outcome)}."]
    given, other, name = _given_and_other(outcome, found.after_steps, found.inductive)
    return [
        f"Expect {_share(given)} of the labels to be right: so many of your {len(given)} labelled "
        f"images are, if each is classified as if it had no label, beside {found.queries:,} of "
        f"the others. {name}: {_share(other)}."
    ]


def measured(outcome: Outcome) -> list[str]:
    """What the accuracy is, if the truth is known."""
    if outcome.truth is None:
        return []
    known = outcome.truth != UNKNOWN
    if not known.any():
        return ["None of the images that can be read is among those whose truth is known."]
    answers = (outcome.answers.probabilities, outcome.inductive_probabilities)
    right = [(p.argmax(axis=1) == outcome.truth)[known] for p in answers]
    given, other, name = _given_and_other(outcome, *right)
    return [
        f"By the truth, {_share(given)} of the labels of {len(given):,} images are right. "
        f"{name}: {_share(other)}."
    ]


def warnings(outcome: Outcome) -> list[str]:
    """What to mind."""
    return [*_steps_left_out(outcome), *_empty_classes(outcome), *_near_duplicates(outcome)]


def _confusion_table(outcome: Outcome) -> str:
    """How many images of each class got each label, in Markdown; outcome.truth must be known."""
    names = [name.replace("|", "\\|") for name in outcome.task.class_names]
    counts = confusion(outcome.truth, outcome.labels, len(names))
    rows = ([name, *map(str, row)] for name, row in zip(names, counts, strict=True))
    return table(["truth \\ label", *names], rows)


def _given_and_other(
    outcome: Outcome, after_steps: np.ndarray, inductive: np.ndarray
) -> tuple[np.ndarray, np.ndarray, str]:
    """What is right of the answers that are given, then of the others, and what these are."""
    if outcome.takes_steps:
        return after_steps, inductive, "At K = 0, without the synthetic steps"
    return inductive, after_steps, "With the synthetic steps"


def _share(right: np.ndarray) -> str:
    low, high = map(percent, wilson(int(right.sum()), len(right)))
    return f"{percent(right.mean())} % (95 % interval {low} to {high} %)"


def _why_unknown(outcome: Outcome) -> str:
    if not outcome.task.support_files:
        return "no image is labelled; sort some into class folders and name them by --truth"
    shots = np.bincount(outcome.task.support_labels)
    single = [outcome.task.class_names[label] for label in np.flatnonzero(shots == 1)]
    if single:
        return f"there is a single labelled image of {_some(single)}; add a second"
    return "a server is not asked once more for each labelled image; leave out --server"


def _steps_left_out(outcome: Outcome) -> list[str]:
    found = outcome.expectation
    if outcome.takes_steps or found is None or not found.steps_harm:
        return []
    return [
        "The synthetic steps are left out, the answers are those of K = 0: of the labelled images "
        f"they make {percent(found.after_steps.mean())} % right instead of "
        f"{percent(found.inductive.mean())} %, which is more than chance."
    ]


def _empty_classes(outcome: Outcome) -> list[str]:
    empty = np.flatnonzero(outcome.files_per_class == 0)
    if not empty.size:
        return []
    names = _some([outcome.task.class_names[label] for label in empty])
    remedy = "label more of them" if outcome.task.support_files else "the model misses them"
    return [f"No image is put into {names}: if there are some, {remedy}."]


def _near_duplicates(outcome: Outcome) -> list[str]:
    if not outcome.near_duplicates:
        return []
    # CLASS/FILE, or PART/CLASS/FILE where the classes are in `train`, `val` and `test`
    folder = os.path.commonpath(outcome.task.files.support)
    pairs = [
        f"{first.relative_to(folder)} and {second.relative_to(folder)}"
        for first, second in outcome.near_duplicates
    ]
    return [
        f"Nearly the same: {_some(pairs, '; ')}. The accuracy to expect is less than it seems; "
        "replace one of each two by another image."
    ]


def _some(names: Sequence[str], separator: str = ", ") -> str:
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return separator.join([*islice(names, _NAMED), *more])
