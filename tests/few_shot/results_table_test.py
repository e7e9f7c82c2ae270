from sib_tf.few_shot.report.results_table import markdown


def row(method, steps, shares, accuracy):
    return {
        "method": method,
        "synthetic_gradient": "dense",
        "num_steps": steps,
        "query_shares": shares,
        "train_query_shares": "balanced",
        "accuracy": accuracy,
        "ci95": 0.004,
        "ece": 0.0312,
    }


def test_a_row_per_method_and_steps_with_both_shares_side_by_side():
    rows = [
        row("prototypes", 0, "balanced", 0.5),
        row("sib", 3, "balanced", 0.756),
        row("prototypes", 0, "dirichlet", 0.25),
    ]
    gain = {"mean": 0.256, "ci95": 0.003}
    rows[1]["differences"] = {"start": gain, "best_other": {"method": "prototypes", **gain}}
    columns = "accuracy, % | over prototypes | over the best other | ECE |"
    assert markdown({"results": rows}).splitlines() == [
        f"| method | K | balanced {columns} dirichlet {columns}",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| cosine prototypes | 0 | 50.0 ± 0.4 | – | – | 0.031 | 25.0 ± 0.4 | – | – | 0.031 |",
        "| SIB, dense network, trained on balanced queries | 3 | 75.6 ± 0.4 | +25.6 ± 0.3 "
        "| +25.6 ± 0.3 | 0.031 |  |  |  |  |",
    ]
