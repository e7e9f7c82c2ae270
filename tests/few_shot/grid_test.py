"""A grid of settings: its cells, what is left out, and its report."""

from functools import partial

import keras
import numpy as np
import pytest

from sib_tf import FewShotClassifier
from sib_tf.base import keras_file
from sib_tf.base.errors import UserError
from sib_tf.features import feature_table
from sib_tf.few_shot import evaluation as in_process
from sib_tf.few_shot.episodes.reader import draw_table
from sib_tf.few_shot.episodes.sampling import examples_by_class
from sib_tf.few_shot.grid import evaluation
from sib_tf.few_shot.grid.settings import GridSettings
from sib_tf.few_shot.methods.registry import METHODS
from sib_tf.few_shot.report import grid_report

LABELS = np.repeat(np.arange(6), 40)
NOISE = np.random.default_rng(0)
FEATURES = (NOISE.normal(size=(6, 8))[LABELS] + NOISE.normal(size=(240, 8))).astype(np.float32)
TABLE = feature_table.FeatureTable(FEATURES[np.newaxis], LABELS)
GRID = GridSettings(
    ways=(2, 4),
    shots=(1,),
    queries=(6, 100),
    methods=("prototypes", "sib"),
    episodes=130,  # two pieces of work
    large_episodes=3,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of a head for any way and of features."""
    folder = tmp_path_factory.mktemp("stored")
    keras.utils.set_random_seed(0)
    head = FewShotClassifier(
        None,
        None,
        num_steps=2,
        step_size=1.0,
        synthetic_gradient="general",
        initialization="class_means",
    )
    head.save(folder / "model.keras")
    feature_table.write(folder / "features", TABLE)
    return folder


@pytest.fixture(scope="module")
def evaluated(files):
    cells, left_out = evaluation.fitting(list(GRID.cells()), LABELS)
    found = evaluation.evaluate_on_beam(
        files / "scratch",
        cells,
        load=partial(keras_file.load, files / "model.keras"),
        features=files / "features",
        seed=0,
    )
    assert not (files / "scratch").exists()
    return cells, left_out, found


def test_cells_are_all_combinations_with_their_counts():
    cells = list(GRID.cells())
    assert len(cells) == 2 * 1 * 2 * 2
    assert {cell.count for cell in cells if cell.spec.queries <= 75} == {130}
    assert {cell.count for cell in cells if cell.spec.queries > 75} == {3}
    assert len({cell.stream for cell in cells}) == len(cells)
    assert list(GridSettings().cells()) == []


def test_costly_methods_run_for_few_classes_and_queries_alone():
    grid = GridSettings(ways=(5, 10), queries=(75, 300), methods=("tim", "sib"))
    with_tim = {
        (cell.spec.way, cell.spec.queries) for cell in grid.cells() if "tim" in cell.methods
    }
    assert with_tim == {(5, 75)}


@pytest.mark.slow
def test_what_the_data_cannot_fill_is_left_out_with_a_line(evaluated):
    cells, left_out, _ = evaluated
    # 2 classes of 40 cannot give 100 queries; 4 can, in equal or unequal shares.
    assert {(cell.spec.way, cell.spec.queries) for cell in cells} == {(2, 6), (4, 6), (4, 100)}
    assert left_out == [
        f'2-way 1-shot, 100 {shares} queries: Class "0" of the test split has 40 images (the first '
        f"of 6 such classes), an episode needs {needed} of each class for its support and its "
        "queries."
        for shares, needed in (("balanced", 51), ("dirichlet", 76))
    ]


@pytest.mark.slow
def test_accuracies_are_those_of_the_same_episodes_in_this_process(files, evaluated):
    cells, _, found = evaluated
    head = keras.saving.load_model(files / "model.keras")
    for cell, accuracies in zip(cells, found, strict=True):
        if cell.spec.shares == "balanced":
            continue  # the same programs once more
        assert list(accuracies) == list(GRID.methods)
        groups = examples_by_class(LABELS, cell.spec, "abcdef", "test")
        episodes = draw_table(groups, cell.spec, range(cell.count), seed=0, stream=cell.stream)
        for name, of_episode in accuracies.items():
            expected = in_process.classify_episodes(METHODS[name](head), TABLE, episodes, 2)
            right = expected.probabilities[-1].argmax(-1) == expected.labels
            # One query may fall the other way by rounding, since other calls have other sizes.
            assert np.abs(of_episode - right.mean(axis=1)).sum() <= 2 / cell.spec.queries + 1e-6


@pytest.mark.slow
def test_the_report_has_a_row_for_each_method_and_paired_differences(evaluated, tmp_path):
    cells, left_out, found = evaluated
    rows = grid_report.results(cells, found)
    assert len(rows) == 6 * 2
    row = next(r for r in rows if (r["way"], r["query"], r["method"]) == (4, 6, "sib"))
    gains = found[cells.index(next(c for c in cells if (c.spec.way, c.spec.queries) == (4, 6)))]
    difference = gains["sib"] - gains["prototypes"]
    assert row["differences"]["start"]["mean"] == pytest.approx(difference.mean())
    assert row["differences"]["start"]["ci95"] == pytest.approx(
        1.96 * difference.std() / np.sqrt(130)
    )
    report = {"features": "d, b", "seed": 0, "left_out": left_out, "results": rows}
    lines = grid_report.markdown(report).splitlines()
    assert lines[0] == ("| way | shot | queries | shares | cosine prototypes | SIB |")
    assert len(lines) == 2 + 6 + 2 * len(left_out)
    grid_report.write(tmp_path / "report.html", report)
    page = (tmp_path / "report.html").read_text()
    assert "Over prototypes, the trained model gains" in page
    for name in ("accuracy_vs_queries", "differences"):
        assert (tmp_path / f"pictures/{name}.png").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"methods": ("oracle",)}, 'method="oracle" is unknown'),
        ({"query_shares": ("even",)}, 'shares="even" is unknown'),
        ({"episodes": 0}, "episodes=0 must be at least 1"),
        ({"queries": ()}, "queries is empty"),
        ({"ways": (1,)}, "way=1 must be at least 2"),
    ],
)
def test_invalid_grids_are_refused(fields, message):
    with pytest.raises(UserError, match=message):
        GridSettings(**{"ways": (5,), **fields})
