"""The page of the zero-shot regression: what it says and what its pictures show."""

import html
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from sib_tf.regression.report import html_report, kl, posteriors, spinning, table
from sib_tf.regression.report.shown import Shown
from sib_tf.regression.tasks import LineFamily, Lines

FAMILY = LineFamily(num_points=2, mu=2.0, sigma=0.1)
# Means of the inputs 2 and 2.5, so that the best guesses are 3 and 3.5.
LINES = Lines(FAMILY, np.float32([[1, 3], [2, 3]]), np.float32([3.1, 3.25]))


def result(split, num_steps, kl, mse):
    return {"split": split, "num_steps": num_steps, "kl": kl, "mse": mse}


def training(split, step, kl):
    return {"split": split, "step": step, "kl": kl, "mse": 0.0}


REPORT = {
    "seed": 3,
    "tasks": {"train": 240, "test": 120},
    "num_steps": 1,
    "step_size": 0.001,
    "kl_of_best_constant": 1.5625,
    "best_constant": [
        {"split": "train", "slope": 1.0, "kl": 1.5, "mse": 0.25},
        {"split": "test", "slope": 1.0, "kl": 1.75, "mse": 0.3},
    ],
    "results": [
        result("train", 0, 1.6, 0.1),
        result("train", 1, 0.01, 0.02),
        result("test", 0, 1.9, 0.125),
        result("test", 1, 0.0125, 0.03),
    ],
    "training": [
        training("train", 0, 50.0),
        training("train", 50, 1.4),
        training("train", 10_000, 0.01),
        training("test", 0, 51.25),
        training("test", 50, 1.625),
        training("test", 10_000, 0.0125),
    ],
}


def shown(steps=1, last=3.0):
    """Slopes of both tasks from 1 to `last`."""
    path = np.linspace(1.0, last, steps + 1)
    return Shown(LINES, np.stack([path, path], axis=1))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    html_report.write(folder / "report.html", REPORT, shown())
    return html.unescape((folder / "report.html").read_text())


def test_the_table_has_a_row_for_each_k_and_one_for_the_best_constant():
    assert table.markdown(REPORT).splitlines() == [
        "| K | KL, nats, training tasks | KL, nats, unseen tasks | square error, training tasks "
        "| square error, unseen tasks |",
        "|---|---|---|---|---|",
        "| 0 | 1.600 | 1.900 | 0.100 | 0.125 |",
        "| 1 | 0.010 | 0.013 | 0.020 | 0.030 |",
        "| best slope for all tasks | 1.500 | 1.750 | 0.250 | 0.300 |",
    ]


def test_the_page_has_the_same_table(page):
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in page.split("<tr>")[1:]]
    head, _, *body = table.markdown(REPORT).splitlines()
    assert rows == [line.strip("| ").split(" | ") for line in (head, *body)]


def test_the_summary_compares_with_the_best_constant_on_the_same_tasks(page):
    assert "On 120 unseen tasks" in page
    assert "from 1.90 to 0.013 nats" in page
    assert "would leave 1.75 on these, 1.56 on average over all there are" in page


@pytest.mark.parametrize(
    "words",
    [
        "Line chart, falling from 51.2 to 0.013 nats on unseen tasks.",
        "Line chart. training tasks, K = 0: 1.600; training tasks, K = 1: 0.010; "
        "unseen tasks, K = 0: 1.900; unseen tasks, K = 1: 0.013.",
        "Densities. task 1: exact mean 3.00, q at 3.00; task 2: exact mean 3.50, q at 3.00.",
        "Lines. task 1: from 1.00 to 3.00, best guess 3.00, truth 3.10; "
        "task 2: from 1.00 to 3.00, best guess 3.50, truth 3.25.",
    ],
)
def test_an_alternative_text_gives_the_numbers(page, words):
    assert f'alt="{words}"' in page


def test_training_is_drawn_from_the_untrained_model_on_and_falls_through_the_best_constant():
    (axes,) = kl.in_training(REPORT).figure.axes
    *curves, constant = axes.lines
    assert constant.get_ydata()[0] == 1.5625
    low, high = axes.get_ylim()
    for curve in curves:
        assert curve.get_xdata()[0] == 0
        assert low < curve.get_ydata()[-1] < 1.5625 < curve.get_ydata()[0] < high
    # A linear axis would press the first 50 of 10,000 steps against its edge.
    at = axes.transAxes.inverted().transform(axes.transData.transform((50, 1.0)))
    assert 0.1 < at[0] < 0.9


@pytest.mark.parametrize("guess", [-4.0, 3.0, 9.0])
def test_every_density_has_its_peak_in_the_picture(guess):
    (axes,) = posteriors.draw(shown(last=guess)).figure.axes
    low, high = axes.get_xlim()
    assert low < guess - 0.2 < guess + 0.2 < high
    for line in axes.lines:
        assert line.get_ydata().max() == pytest.approx(1 / (0.1 * np.sqrt(2 * np.pi)), rel=0.1)


def test_the_grey_density_is_that_of_the_family_of_the_tasks():
    (axes,) = posteriors.draw(shown()).figure.axes
    outline = axes.collections[0].get_paths()[0].vertices
    # mu + mu_w = 3
    assert outline[np.argmax(outline[:, 1]), 0] == pytest.approx(3, abs=0.02)


@pytest.mark.parametrize("steps", [1, 3, 6, 12])
def test_the_legend_fits_into_the_picture(steps):
    figure = spinning.draw(shown(steps)).figure
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == steps + 4  # k = 0 .. K, truth, best guess, labels
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1


def test_equal_slopes_look_equal():
    limits = [(a.get_xlim(), a.get_ylim()) for a in spinning.draw(shown()).figure.axes]
    assert len(limits) == 2
    assert limits[0] == limits[1]
    # The inputs of both reach to 3, where the steepest line, of slope 3.5, is at 10.5.
    assert limits[0][0][1] > 3
    assert limits[0][1][1] > 10.5


def test_labels_are_drawn_over_the_lines():
    for axes in spinning.draw(shown()).figure.axes:
        assert axes.lines[-1].get_label() == "y, never shown"
        assert len({line.get_zorder() for line in axes.lines}) == 1  # so the last is on top
