r"""The hyperparameters of the methods that are compared, chosen on validation episodes.

    python -m benchmarks.method_constants --features=work/cifar_fs_conv4_64/features/validation \
        --output=results/method_constants.json

Every value of a method's `grid` is evaluated at 1 and 5 shots, with 75 balanced and 75 Dirichlet
queries of 5 classes. The value that is best on the mean of both is what `Method.chosen` says. The
folder is one that `jobs.embed` has written.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from absl import app, flags

from sib_tf.base import storage
from sib_tf.base.atomic import write_json
from sib_tf.features import feature_table
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot import evaluation
from sib_tf.few_shot.episodes.reader import EpisodeTable, draw_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class
from sib_tf.few_shot.methods.method import Method
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.model import FewShotClassifier

_FEATURES = flags.DEFINE_string("features", None, "Folder of an `embed` step.", required=True)
_EPISODES = flags.DEFINE_integer("episodes", 1000, "Number of episodes of each kind.", 1)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write.")
_METHODS = flags.DEFINE_list("methods", None, "Names of methods; defaults to all with a grid.")

_WAY, _QUERIES, _SHARES = 5, 75, ("balanced", "dirichlet")


def draw(table: FeatureTable, shot: int, shares: str) -> EpisodeTable:
    """Validation episodes, the same for all methods."""
    spec = EpisodeSpec(_WAY, shot, _QUERIES, shares)
    names = [str(label) for label in range(table.labels.max() + 1)]
    groups = examples_by_class(table.labels, spec, names, "validation")
    return draw_table(groups, spec, range(_EPISODES.value), seed=0, stream="validation")


def rows(table: FeatureTable) -> Iterator[dict[str, Any]]:
    """The accuracies that each value of a hyperparameter gives, as soon as they are known."""
    classifier = FewShotClassifier(_WAY, table.features.shape[-1], num_steps=0)
    names = _METHODS.value or [name for name, method in METHODS.items() if method.grid]
    for shot in (1, 5):
        episodes = {shares: draw(table, shot, shares) for shares in _SHARES}
        for name in names:
            ((constant, values),) = METHODS[name].grid.items()
            for value in values:
                method = METHODS[name](classifier, **{constant: value})
                accuracies = {
                    shares: accuracy(method, table, episodes[shares]) for shares in _SHARES
                }
                yield {
                    "method": name,
                    "shot": shot,
                    "constant": constant,
                    "value": value,
                    **accuracies,
                    "mean": sum(accuracies.values()) / len(accuracies),
                }


def accuracy(method: Method, table: FeatureTable, episodes: EpisodeTable) -> float:
    """Mean accuracy of a method over episodes."""
    found = evaluation.classify_episodes(method, table, episodes, 0)
    return evaluation.accuracy(found.probabilities[0], found.labels)["accuracy"]


def main(argv: Sequence[str]) -> None:
    """Prints a line for each value, and writes them all."""
    del argv
    table = feature_table.read(storage.path(_FEATURES.value) / "records")
    found = []
    for row in rows(table):
        found.append(row)
        print(json.dumps(row), flush=True)
        if _OUTPUT.value:
            write_json(Path(_OUTPUT.value), {"episodes": _EPISODES.value, "results": found})


if __name__ == "__main__":
    app.run(main)
