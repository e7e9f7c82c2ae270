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
    assert markdown({"results": rows}).splitlines() == [
        "| method | K | balanced accuracy, % | ECE | dirichlet accuracy, % | ECE |",
        "|---|---|---|---|---|---|",
        "| cosine prototypes | 0 | 50.0 ± 0.4 | 0.031 | 25.0 ± 0.4 | 0.031 |",
        "| SIB, dense network, trained on balanced queries | 3 | 75.6 ± 0.4 | 0.031 |  |  |",
    ]
