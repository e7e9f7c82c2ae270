"""The rows of `report.json`, grouped into what can be compared."""

from collections.abc import Iterable
from typing import NamedTuple

from sib_tf.few_shot.episodes.query_shares import QUERY_SHARES
from sib_tf.few_shot.methods.method import Method, Row
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.report import wording


class Task(NamedTuple):
    """The size of the episodes."""

    way: int
    shot: int
    query: int

    def __str__(self) -> str:
        return f"{self.way}-way {self.shot}-shot, {self.query} queries"


class Setting(NamedTuple):
    """What was asked: results in the same setting can be compared."""

    task: Task
    query_shares: str

    @classmethod
    def of(cls, row: Row) -> "Setting":
        """The setting of a result."""
        return cls(Task(row["way"], row["shot"], row["query"]), row["query_shares"])

    def sort_key(self) -> tuple[Task, int]:
        """By task, then by shares in the order of the registry.

        Raises:
            UserError: if the shares are unknown.
        """
        QUERY_SHARES[self.query_shares]
        return (self.task, list(QUERY_SHARES).index(self.query_shares))


class Comparison(NamedTuple):
    """One trained model in one setting, at its fewest steps and at those it is trained for."""

    setting: Setting
    before: Row
    after: Row


def method_of(row: Row) -> type[Method]:
    """The method whose result a row is.

    Raises:
        UserError: if the method is not registered.
    """
    return METHODS[row["method"]]


def over(row: Row, other: str) -> str:
    """By how much a result is better, paired: `+9.8 ± 0.4` points; a dash where nothing is known.

    Args:
        row: result.
        other: "start" or "best_other", see `evaluation.rows`.
    """
    difference = row.get("differences", {}).get(other)
    if difference is None:
        return "–"
    return wording.signed_interval(difference["mean"], difference["ci95"])


def baselines(rows: Iterable[Row]) -> list[Row]:
    """The rows of methods with a single result, which no number of steps changes."""
    return [row for row in rows if not method_of(row).iterative]


def by_setting(rows: Iterable[Row]) -> dict[Setting, list[Row]]:
    """The rows of each setting; settings are sorted."""
    groups: dict[Setting, list[Row]] = {}
    for row in rows:
        groups.setdefault(Setting.of(row), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: item[0].sort_key()))


def by_model(rows: Iterable[Row]) -> dict[tuple[str, str, str], list[Row]]:
    """The rows of the trained models, each model's by rising K; baselines are left out.

    Its method, its synthetic gradient and the query shares that it was trained on identify a model.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["num_steps"]):
        if method_of(row).iterative:
            model = (row["method"], row["synthetic_gradient"], row["train_query_shares"])
            groups.setdefault(model, []).append(row)
    return groups


def comparisons(rows: Iterable[Row], trained_steps: int) -> list[Comparison]:
    """Every trained model in every setting; where the steps start stands in for a missing K = 0.

    Args:
        rows: rows of the report, some of each model at K <= `trained_steps`.
        trained_steps: K of the training. To choose the best K here would be to fit the test
            episodes.
    """
    return [
        Comparison(
            setting,
            # Of equal K the first is taken, so the model's own K = 0 goes before the stand-in.
            before=min([*of_model, *_starts(group)], key=lambda row: row["num_steps"]),
            after=[row for row in of_model if row["num_steps"] <= trained_steps][-1],
        )
        for setting, group in by_setting(rows).items()
        for of_model in by_model(group).values()
    ]


def _starts(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if method_of(row).is_start]
