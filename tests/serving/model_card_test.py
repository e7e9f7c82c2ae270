"""The model card says what the report says."""

import pytest

from sib_tf.serving import model_card

ROW = {
    "synthetic_gradient": "dense",
    "way": 5,
    "shot": 1,
    "query": 75,
    "query_shares": "balanced",
    "train_query_shares": "balanced",
    "ci95": 0.004,
    "ece": 0.031,
}
REPORT = {
    "dataset": "glyphs",
    "backbone": "conv4_32",
    "split": "test",
    "episodes": 2000,
    "seed": 0,
    "num_steps": 3,
    "step_size": 0.001,
    "results": [
        {**ROW, "method": "prototypes", "num_steps": 0, "accuracy": 0.799},
        {**ROW, "method": "sib", "num_steps": 3, "accuracy": 0.917},
    ],
}
CLASSES = {"train": ["apple", "aquarium_fish"], "validation": ["bear"], "test": ["crab"]}


def test_the_card_names_data_classes_accuracy_and_steps(tmp_path):
    model_card.write(tmp_path, model_card.render("letters", REPORT, CLASSES))
    card = (tmp_path / "assets.extra" / "model_card.md").read_text()
    for words in (
        "# letters\n",
        "Data set: glyphs; backbone: conv4_32; seed 0.",
        "Trained on 2 classes: apple, aquarium fish.",
        "Tested on 1 classes: crab.",
        "3 synthetic-gradient steps of\nsize 0.001",
        "| SIB, dense network, trained on balanced queries | 3 | 91.7 ± 0.4 | – | – | 0.031 |",
        "5-way 1-shot tasks with 75 queries",
        "Tied to 5 classes",
    ):
        assert words in card


@pytest.mark.parametrize(("kind", "tied"), [("dense", True), ("set", False)])
def test_only_the_dense_network_is_tied_to_its_classes(kind, tied):
    rows = [{**row, "synthetic_gradient": kind} for row in REPORT["results"]]
    assert ("Tied to" in model_card.render("x", {**REPORT, "results": rows}, CLASSES)) is tied
