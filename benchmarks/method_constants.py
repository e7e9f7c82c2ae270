"""The hyperparameters of the methods that are compared, chosen on validation episodes.

    python -m benchmarks.method_constants --features=work/cifar_fs_conv4_64/features/validation

Every value of a method's `grid` is evaluated at 1 and 5 shots, with 75 balanced and 75 Dirichlet
queries of 5 classes. The value that is best on the mean of both is what `Method.chosen` says. The
folder is one that `jobs.embed` has written.
"""

from collections.abc import Iterator, Sequence

from absl import app, flags

from sib_tf.base import storage
from sib_tf.features import feature_table
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot import evaluation
from sib_tf.few_shot.episodes.reader import EpisodeTable, tabulate
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class, sample
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.model import FewShotClassifier
from sib_tf.report import markdown, wording

_FEATURES = flags.DEFINE_string("features", None, "Folder of an `embed` step.", required=True)
_EPISODES = flags.DEFINE_integer("episodes", 1000, "Number of episodes of each kind.", 1)
_METHODS = flags.DEFINE_list("methods", None, "Names of methods; defaults to all with a grid.")

_WAY, _QUERIES, _SHARES = 5, 75, ("balanced", "dirichlet")


def draw(table: FeatureTable, shot: int, shares: str) -> EpisodeTable:
    """Validation episodes, the same for all methods."""
    spec = EpisodeSpec(_WAY, shot, _QUERIES, shares)
    names = [str(label) for label in range(table.labels.max() + 1)]
    groups = examples_by_class(table.labels, spec, names, "validation")
    number = {"seed": 0, "stream": "validation"}
    return tabulate(
        [sample(groups, spec, index=index, **number) for index in range(_EPISODES.value)]
    )


def rows(table: FeatureTable) -> Iterator[list[str]]:
    """Method, shot, hyperparameter, and the accuracies of a value, as soon as they are known."""
    classifier = FewShotClassifier(_WAY, table.features.shape[-1], num_steps=0)
    names = _METHODS.value or [name for name, method in METHODS.items() if method.grid]
    for shot in (1, 5):
        episodes = {shares: draw(table, shot, shares) for shares in _SHARES}
        for name in names:
            ((constant, values),) = METHODS[name].grid.items()
            for value in values:
                method = METHODS[name](classifier, **{constant: value})
                found = [
                    evaluation.classify_episodes(method, table, episodes[shares], 0)
                    for shares in _SHARES
                ]
                accuracies = [
                    evaluation.accuracy(each.probabilities[0], each.labels)["accuracy"]
                    for each in found
                ]
                mean = sum(accuracies) / len(accuracies)
                cells = [*accuracies, mean]
                yield [method.title, str(shot), f"{constant}={value}", *map(wording.percent, cells)]


def main(argv: Sequence[str]) -> None:
    """Prints a line for each value."""
    del argv
    table = feature_table.read(storage.path(_FEATURES.value) / "records")
    heads = ["method", "shot", "value", *_SHARES, "mean"]
    for line in markdown.lines(heads, rows(table)):
        print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
