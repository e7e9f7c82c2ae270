import pytest

from sib_tf.report import markdown, wording


def test_a_table():
    found = markdown.table(["K", "accuracy, %"], [["0", "50.0 ± 0.4"], ["3", ""]])
    assert found.split("\n") == [
        "| K | accuracy, % |",
        "|---|---|",
        "| 0 | 50.0 ± 0.4 |",
        "| 3 |  |",
    ]


def test_a_table_without_rows():
    assert markdown.table(["K"], []) == "| K |\n|---|"


def test_lines_are_yielded_row_by_row():
    rows = iter([["0"], ["3"]])
    lines = markdown.lines(["K"], rows)
    assert [next(lines) for _ in range(3)] == ["| K |", "|---|", "| 0 |"]
    assert next(rows) == ["3"]


@pytest.mark.parametrize("row", [["0"], ["0", "1", "2"]])
def test_a_row_of_another_length_is_refused(row):
    with pytest.raises(ValueError, match="2 heads"):
        markdown.table(["K", "ECE"], [["0", "1"], row])


def test_a_fraction_with_its_interval():
    assert wording.percent_interval(0.7249, 0.0036) == "72.5 ± 0.4"
