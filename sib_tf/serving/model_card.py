"""The model card that travels with a SavedModel: what it was made from, how good it is, its limits.

Form: Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sib_tf.few_shot.report import names, results_table, summary
from sib_tf.few_shot.report.results import method_of
from sib_tf.method.xi.registry import XI
from sib_tf.report import wording

FILE = Path("assets.extra") / "model_card.md"

# A limit of every model.
TOGETHER = (
    "The images of a request are classified together: the answer for one depends on the others, "
    "and those that are of none of the classes mislead it."
)

_OF_THE_SPLITS = "- Trained, chosen and tested on the classes of its three splits."


def write(model: Path, card: str) -> None:
    """Adds a model card to a SavedModel, as `assets.extra/model_card.md`.

    Args:
        model: folder of a SavedModel that `export` has written.
        card: the card in Markdown.
    """
    (model / FILE).parent.mkdir(exist_ok=True)
    (model / FILE).write_text(card, encoding="utf-8")


def render(
    name: str, report: Mapping[str, Any], classes: Mapping[str, Sequence[str]] | None = None
) -> str:
    """The card of a model that was trained and evaluated with this library.

    Args:
        name: name of the model.
        report: content of `report.json` of the model's evaluation.
        classes: names of the classes of the data set by split; None where it is not at hand.
    """
    trained = next(row for row in report["results"] if method_of(row).iterative)
    return f"""# {name}

Classifies the images of a task from a few labelled examples, all its images at a time. It starts
from the means of the labelled features and takes {report["num_steps"]} synthetic-gradient steps of
size {report["step_size"]:g} on the unlabelled ones ("Empirical Bayes Transductive Meta-Learning
with Synthetic Gradients", ICLR 2020).

## Data

- Data set: {report["dataset"]}; backbone: {report["backbone"]}; seed {report["seed"]}.
{_classes(classes) if classes else _OF_THE_SPLITS}

No class is in two of these.

## Accuracy

{summary.summarize(report)}

{results_table.markdown(report)}

± is the 95 % interval over {report["episodes"]:,} test episodes. ECE is the expected calibration
error.

## Limits

{_limits(trained)}
"""


def _classes(classes: Mapping[str, Sequence[str]]) -> str:
    use = {"train": "Trained on", "validation": "Chosen on", "test": "Tested on"}
    return "\n".join(
        f"- {use[split]} {len(members)} classes: {', '.join(map(wording.class_name, members))}."
        for split, members in classes.items()
    )


def _limits(trained: Mapping[str, Any]) -> str:
    task = f"{trained['way']}-way {trained['shot']}-shot tasks with {trained['query']} queries"
    limits = [
        f"Tested on {task}, all of the task's classes. Other numbers work, and were not measured.",
        TOGETHER,
        "Meta-trained on "
        f"{names.queries(trained['train_query_shares'])}; the table says what other class shares "
        "do.",
        "Accuracy on images unlike those of the data set is not known.",
        *XI[trained["synthetic_gradient"]].limits(trained["way"]),
    ]
    return "\n".join(f"- {limit}" for limit in limits)
