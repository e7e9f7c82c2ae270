"""The table of docs/results.md: grouping by seed, means and intervals."""

import json
from pathlib import Path

import pytest

from sib_tf.base.errors import UserError
from sib_tf.experiments import published_reports
from sib_tf.experiments.few_shot import results_summary


def report(seed, accuracy, *, shot=1, network="dense", trained="balanced"):
    command = (
        f"python -m jobs.pipeline '--workdir=work/{shot} shot' --base=work "
        f"--config=configs/c.py:shot={shot}"
    )
    return {
        "command": command if seed == 0 else f"{command} --config.seed={seed}",
        "machine": "2 x M",
        "seconds": {"pretrain": 60.0 * (10 + seed), "train": 60.0},
        "config": {
            "episodes": {"shot": shot},
            "meta": {"num_steps": 3, "synthetic_gradient": network, "query_shares": trained},
        },
        "dataset": "d",
        "backbone": "b",
        "results": [
            row("prototypes", 0, "balanced", 0.5),
            row("sib", 0, "balanced", 0.1),
            row("sib", 3, "balanced", accuracy),
            row("sib", 3, "dirichlet", 0.25),
        ],
    }


def row(method, steps, shares, accuracy):
    return {
        "method": method,
        "num_steps": steps,
        "query_shares": shares,
        "accuracy": accuracy,
        "ci95": 0.006,
    }


PAPER = [
    {
        "dataset": "d",
        "backbone": "b",
        "shot": 1,
        "synthetic_gradient": "dense",
        "train_query_shares": "balanced",
        "accuracy": 0.687,
        "ci95": 0.006,
    }
]


def rows_of(reports):
    table = results_summary.markdown(reports, PAPER).splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[2:]]


def test_seeds_make_one_row_with_their_mean_and_the_interval_of_the_mean():
    # Four runs with 0.006 each: sqrt(4 * 0.006^2) / 4 = 0.003.
    (cells,) = rows_of([report(seed, 0.70 + 0.01 * seed) for seed in range(4)])
    assert cells[:4] == ["d, b", "1", "dense, balanced queries", "3"]
    assert cells[4:8] == ["50.0 ± 0.3", "71.5 ± 0.3", "", "25.0 ± 0.3"]
    # Minutes 11, 12, 13, 14.
    assert cells[8:] == ["68.7 ± 0.6", "4", "12", "2 x M", "`configs/c.py:shot=1`"]


def test_each_experiment_has_a_row_and_only_the_papers_method_a_paper_figure():
    reports = [report(0, 0.7), report(0, 0.8, shot=5), report(0, 0.6, trained="mixture")]
    reports[2]["command"] += " --config.meta.query_shares=mixture"
    reports.append(report(0, 0.9, network="set"))
    reports[3]["command"] += " --config.meta.synthetic_gradient=set"
    cells = rows_of(reports)
    assert [c[2] for c in cells[2:]] == ["dense, mixed queries", "set-wise, balanced queries"]
    assert [c[5] for c in cells] == ["70.0 ± 0.6", "80.0 ± 0.6", "60.0 ± 0.6", "90.0 ± 0.6"]
    assert [c[8] for c in cells] == ["68.7 ± 0.6", "", "", ""]
    assert cells[2][-1] == "`configs/c.py:shot=1 --config.meta.query_shares=mixture`"


def test_a_report_with_a_flat_config_has_the_same_row(tmp_path):
    flat = {"shot": 1, "num_steps": 3}
    flat |= {"synthetic_gradient": "dense", "train_query_shares": "balanced"}
    (tmp_path / "report.json").write_text(json.dumps({**report(0, 0.7), "config": flat}))
    (tmp_path / "paper.json").write_text(json.dumps(PAPER))
    assert results_summary.summarize(tmp_path) == results_summary.markdown([report(0, 0.7)], PAPER)


def test_only_the_table_of_a_text_is_replaced():
    text = f"before\n{published_reports.BEGIN}\nold\n{published_reports.END}\nafter\n"
    once = published_reports.replace_table(text, "| new |")
    assert once == (
        f"before\n{published_reports.BEGIN}\n\n| new |\n\n{published_reports.END}\nafter\n"
    )
    assert published_reports.replace_table(once, "| new |") == once
    with pytest.raises(UserError, match="--page: lacks the lines"):
        published_reports.replace_table("before", "| new |")


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} holds no report"):
        results_summary.summarize(tmp_path)


@pytest.mark.parametrize("config", [{"tasks": {"num_points": 32}}, {"num_points": 32}])
def test_a_folder_with_only_other_reports_is_named(tmp_path, config):
    (tmp_path / "report.json").write_text(json.dumps({"config": config}))
    with pytest.raises(UserError, match=f"{tmp_path} holds no report.json of a few-shot class"):
        results_summary.summarize(tmp_path)


def test_the_published_table_matches_the_published_results():
    root = Path(__file__).parents[2]
    text = (root / "docs/results.md").read_text()
    table = results_summary.summarize(root / "results")
    assert published_reports.replace_table(text, table) == text
