"""The tables of docs/pacs.md: means over seeds and targets, and their intervals."""

import json
from pathlib import Path

import pytest

from sib_tf.base.errors import UserError
from sib_tf.base.intervals import Z_95
from sib_tf.experiments.adaptation.results_summary import (
    markdown,
    over_seeds,
    summarize,
)
from sib_tf.experiments.published_reports import replace_table


def report(target, accuracy):
    return {
        "target": target,
        "exported": "rotation",
        "num_steps": 3,
        "config": {"minibatches": {"images": 256}},
        "results": [row("source_only", 0, 0.6), row("rotation", 3, accuracy)],
        "differences": [
            {"than": "source_only", "than_steps": 0, "difference": accuracy - 0.6, "ci95": 0.03}
        ],
    }


def row(method, k, accuracy):
    return {"method": method, "num_steps": k, "accuracy": accuracy, "ci95": 0.04}


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_seeds_share_the_images_of_a_target():
    mean, half_width = over_seeds([(0.5, 0.02 * Z_95), (0.7, 0.02 * Z_95)])
    assert mean == pytest.approx(0.6)
    # Variance of the images 0.02^2, of the seeds 0.02, of their mean 0.01.
    assert half_width == pytest.approx(Z_95 * (0.0004 + 0.01) ** 0.5)
    assert over_seeds([(0.5, 0.02)]) == pytest.approx((0.5, 0.02))


def test_each_method_has_a_row_and_each_target_a_column():
    lines = markdown([report("photo", 0.7), report("sketch", 0.8), report("photo", 0.7)])
    accuracies, gains = (part.splitlines() for part in lines.split("\n\n"))
    assert cells(accuracies[0]) == ["method", "K", "photo", "sketch", "average"]
    # sqrt(2) * 0.04 / 2 = 0.028
    assert cells(accuracies[2])[1:] == ["0", "60.0 ± 4.0", "60.0 ± 4.0", "60.0 ± 2.8"]
    assert cells(accuracies[3])[1:] == ["3", "70.0 ± 4.0", "80.0 ± 4.0", "75.0 ± 2.8"]
    assert cells(gains[2])[1:] == ["0", "+10.0 ± 3.0", "+20.0 ± 3.0", "+15.0 ± 2.1"]


def test_reports_of_other_methods_are_refused():
    other = {**report("sketch", 0.8), "results": [row("rotation", 3, 0.8)]}
    with pytest.raises(UserError, match="different methods or steps"):
        markdown([report("photo", 0.7), other])


def test_only_reports_of_the_family_are_read(tmp_path):
    for name, content in (("a", report("photo", 0.7)), ("b", {"config": {"episodes": {}}})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(content))
    assert summarize(tmp_path) == markdown([report("photo", 0.7)])
    (tmp_path / "a/report.json").unlink()
    with pytest.raises(UserError, match=r"holds no report\.json of a zero-shot classification"):
        summarize(tmp_path)


def test_the_published_tables_match_the_published_results():
    root = Path(__file__).parents[2]
    text = (root / "docs/pacs.md").read_text()
    assert replace_table(text, summarize(root / "results")) == text
