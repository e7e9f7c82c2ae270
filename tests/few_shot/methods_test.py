"""A method that is added by one registry entry is evaluated and appears in all reports."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier
from sib_tf.base.errors import UserError
from sib_tf.experiments.few_shot import results_summary
from sib_tf.features import feature_table
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot import evaluation, predictions
from sib_tf.few_shot.episodes import schema
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class, sample
from sib_tf.few_shot.methods.method import Method, way_of
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.report import accuracy_vs_steps, html_report, results_table, summary
from sib_tf.few_shot.report.shown_episode import ShownEpisode
from sib_tf.report import wording
from sib_tf.serving import model_card

COUNT = 120  # episodes: two Beam elements, the last one smaller
SPEC = EpisodeSpec(way=3, shot=2, queries=6)
LABELS = np.repeat(np.arange(4), 10)
# Classes scatter around their means, which are close enough for errors.
NOISE = np.random.default_rng(0)
FEATURES = (NOISE.normal(size=(4, 6))[LABELS] + NOISE.normal(size=(40, 6))).astype(np.float32)
NAME, TITLE = "nearest", "nearest neighbour"


class NearestNeighbour(Method):
    """The class of the nearest support example, with probability 1."""

    title = TITLE

    def __call__(self, inputs, num_steps):
        apart = (
            inputs["query_features"][:, :, tf.newaxis] - inputs["support_features"][:, np.newaxis]
        )
        nearest = tf.argmin(tf.norm(apart, axis=-1), axis=-1)
        labels = tf.gather(inputs["support_labels"], nearest, batch_dims=1)
        return tf.one_hot(labels, way_of(inputs))[tf.newaxis]


@pytest.fixture(scope="module", autouse=True)
def _registered():
    METHODS[NAME] = NearestNeighbour
    yield
    del METHODS[NAME]


@pytest.fixture(scope="module")
def classify(tmp_path_factory):
    """A function that evaluates methods, given by name, on the episodes with Beam."""
    root = tmp_path_factory.mktemp("stored")
    feature_table.write(root / "features", FeatureTable(FEATURES[np.newaxis], LABELS))
    groups = examples_by_class(LABELS, SPEC, "abcd", "test")
    drawn = (sample(groups, SPEC, seed=0, stream="test", index=i) for i in range(COUNT))
    (root / "episodes").mkdir()
    with tf.io.TFRecordWriter(str(root / "episodes/a.tfrecord")) as writer:
        for episode in drawn:
            writer.write(schema.encode(episode))
    keras.utils.set_random_seed(0)
    FewShotClassifier(3, 6, num_steps=1, step_size=0.1).save(root / "model.keras")

    def run(methods):
        return predictions.classify_on_beam(
            root / "scratch",
            methods=methods,
            model=root / "model.keras",
            num_steps=2,
            features=root / "features",
            episodes=root / "episodes",
            spec=SPEC,
            count=COUNT,
        )

    return run


@pytest.fixture(scope="module")
def evaluated(classify):
    """The episodes, and what the methods predict for them."""
    return classify(["prototypes", "sib", NAME])


def rows_of(found):
    return evaluation.rows(
        found,
        {"way": 3, "shot": 2, "query": 6, "query_shares": "balanced"},
        trained_steps=1,
        synthetic_gradient="dense",
        train_query_shares="balanced",
    )


@pytest.fixture(scope="module")
def report(evaluated):
    return {
        "dataset": "d",
        "backbone": "b",
        "split": "test",
        "episodes": COUNT,
        "seed": 0,
        "num_steps": 1,
        "step_size": 0.1,
        "results": rows_of(evaluated[1]),
    }


@pytest.fixture(scope="module")
def row(report):
    """The one row of the added method."""
    (row,) = (row for row in report["results"] if row["method"] == NAME)
    return row


@pytest.fixture(scope="module")
def without(report):
    """The report of the other methods."""
    return {**report, "results": [row for row in report["results"] if row["method"] != NAME]}


def test_the_method_has_one_row_after_the_others(report, row, evaluated):
    episodes, _ = evaluated
    assert [(row["method"], row["num_steps"]) for row in report["results"]] == [
        ("prototypes", 0),
        ("sib", 0),
        ("sib", 1),
        ("sib", 2),
        (NAME, 0),
    ]
    assert row["synthetic_gradient"] is None
    assert row["train_query_shares"] is None
    right = []
    for e in range(COUNT):
        support = FEATURES[episodes.support_ids[e]]
        for query, label in zip(episodes.query_ids[e], episodes.query_labels[e], strict=True):
            nearest = np.linalg.norm(support - FEATURES[query], axis=1).argmin()
            right.append(episodes.support_labels[e, nearest] == label)
    assert 0.4 < row["accuracy"] < 0.99
    assert row["accuracy"] == pytest.approx(np.mean(right))


def test_the_other_methods_have_the_same_rows_without_it(without, classify):
    _, found = classify(["prototypes", "sib"])
    own = {"seconds": 0, "differences": {}}  # the best other method may be the one that was added
    rows, others = rows_of(found), without["results"]
    assert [{**row, **own} for row in rows] == [{**row, **own} for row in others]


def test_results_table_and_model_card_have_a_line_for_the_method(report, row, without):
    accuracy, interval = 100 * row["accuracy"], 100 * row["ci95"]
    over = [row["differences"][other] for other in ("start", "best_other")]
    gains = [wording.signed_interval(gain["mean"], gain["ci95"]) for gain in over]
    cells = [f"{accuracy:.1f} ± {interval:.1f}", *gains, f"{row['ece']:.3f}"]
    line = f"| {TITLE} | – | {' | '.join(cells)} |"
    table = results_table.markdown(report)
    assert table == f"{results_table.markdown(without)}\n{line}"
    assert line in model_card.render("x", report, {}).splitlines()


def test_the_page_has_a_line_and_a_row_for_the_method(report, row, tmp_path):
    images, labels = np.zeros((3, 8, 8, 3), np.uint8), np.arange(3)
    episode = ShownEpisode("abc", images, labels, images, labels, np.full((2, 3, 3), 1 / 3))
    html_report.write(tmp_path / "report.html", report, {}, episode)
    page = (tmp_path / "report.html").read_text()
    assert f'<th scope="row">{TITLE}</th>\n<td>–</td>' in page
    assert f"balanced queries, {TITLE}: {100 * row['accuracy']:.1f} %" in page
    assert f"; the dotted line of the same colour is {TITLE}. The vertical" in page


def test_the_chart_has_a_horizontal_line_and_a_legend_entry_for_the_method(report, row):
    figure = accuracy_vs_steps.draw(report["results"], 1).figure
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries == ["balanced queries", "cosine prototypes", TITLE, "K of training"]
    levels = {
        line.get_linestyle(): line.get_ydata()
        for line in figure.axes[0].lines
        if len(set(line.get_ydata())) == 1
    }
    assert levels["--"][0] == 100 * report["results"][0]["accuracy"]
    assert levels[":"][0] == 100 * row["accuracy"]


def test_the_summary_is_about_the_trained_model(report, without):
    assert summary.summarize(report) == summary.summarize(without)


def published(report, seed):
    return {
        **report,
        "command": f"python -m jobs.pipeline --config=c.py --config.seed={seed}",
        "machine": "M",
        "seconds": {"train": 60.0},
        "config": {
            "episodes": {"shot": 2},
            "meta": {
                "num_steps": 1,
                "synthetic_gradient": "dense",
                "query_shares": "balanced",
            },
        },
    }


def test_the_summary_of_results_has_two_more_columns_if_a_report_has_the_method(
    report, row, without
):
    # In the report of seed 0 alone, so the mean is that of one run.
    table = results_summary.markdown([published(report, 0), published(without, 1)], [])
    head, _, line = ([cell.strip() for cell in x.split("|")[1:-1]] for x in table.splitlines())
    accuracy, interval = 100 * row["accuracy"], 100 * row["ci95"]
    assert head[4:10] == [
        "balanced, K = 0",
        "balanced, K",
        f"balanced, {TITLE}",
        "Dirichlet, K = 0",
        "Dirichlet, K",
        f"Dirichlet, {TITLE}",
    ]
    assert line[6] == f"{accuracy:.1f} ± {interval:.1f}"
    assert line[9] == ""
    assert TITLE not in results_summary.markdown([published(without, 1)], [])


def test_an_unknown_method_is_refused(classify, report):
    words = 'method="oracle" is unknown: use "prototypes" or "logistic_regression" or "bd_cspn"'
    with pytest.raises(UserError, match=words):
        classify(["oracle"])
    results = [{**report["results"][0], "method": "oracle"}]
    with pytest.raises(UserError, match=words):
        results_table.markdown({"results": results})
