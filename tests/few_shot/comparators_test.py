"""Each method that is compared, against its algorithm in NumPy, one episode after the other."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from sib_tf import FewShotClassifier
from sib_tf.few_shot.methods.registry import METHODS

SEARCH = Path(__file__).parents[2] / "results/method_constants.json"

WAY, SHOT, DIM = 3, 2, 8
SIZES = (1, 2, 14)  # queries; 14 cannot be shared equally by three classes
NAMES = [name for name in METHODS if name != "sib"]
every_method = pytest.mark.parametrize("name", NAMES)


def draw(queries, count=4, seed=0):
    """Episodes in float32 whose classes overlap; features are not negative, as after a ReLU."""
    rng = np.random.default_rng([seed, queries])
    means = rng.normal(size=(count, WAY, DIM))
    support_labels = np.stack([rng.permutation(np.repeat(range(WAY), SHOT)) for _ in range(count)])
    query_labels = rng.integers(WAY, size=(count, queries))

    def features(labels):
        centres = np.take_along_axis(means, labels[..., np.newaxis], axis=1)
        return np.maximum(centres + rng.normal(size=centres.shape), 0.01).astype(np.float32)

    return {
        "support_features": features(support_labels),
        "support_labels": support_labels.astype(np.int32),
        "query_features": features(query_labels),
        "class_mask": np.ones((count, WAY), bool),
    }


@functools.cache
def compiled(name, **constants):
    method = METHODS[name](FewShotClassifier(WAY, DIM, num_steps=0), **constants)
    return tf.function(lambda inputs: method(inputs, 0), jit_compile=True)


def classify(name, inputs, **constants):
    """Probabilities [B, Q, N], as evaluation computes them."""
    run = compiled(name, **constants)
    return run(tf.nest.map_structure(tf.constant, inputs)).numpy()[0]


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def means_of(support, labels):
    return np.stack([support[labels == n].mean(axis=0) for n in range(WAY)])


def logistic_regression(support, labels, query, inverse_penalty):
    model = LogisticRegression(C=inverse_penalty, tol=1e-10, max_iter=10_000)
    return model.fit(unit(support), labels).predict_proba(unit(query))


def rectified(support, labels, query):
    support, query = unit(support), unit(query)
    prototypes = means_of(support, labels)
    examples = [*support, *(query + support.mean(axis=0) - query.mean(axis=0))]
    members = [[] for _ in range(WAY)]
    for example in examples:
        weights = softmax(10 * unit(prototypes) @ unit(example))
        members[weights.argmax()].append((weights.max(), example))
    return np.stack([sum(w * x for w, x in found) / sum(w for w, _ in found) for found in members])


def bd_cspn(support, labels, query):
    return softmax(10 * unit(query) @ unit(rectified(support, labels, query)).T)


def laplacian_shot(support, labels, query, smoothness):
    centres, query = rectified(support, labels, query), unit(query)
    distances = np.array([[np.sum((q - c) ** 2) for c in centres] for q in query])
    wanted = min(3, len(query))  # each query is its own nearest neighbour
    nearest = NearestNeighbors(n_neighbors=wanted).fit(query).kneighbors(query)[1][:, 1:]
    answers = softmax(-distances)
    for _ in range(20):
        pulls = np.array([answers[list(others)].sum(axis=0) for others in nearest])
        answers = softmax(-distances + smoothness * pulls)
    return answers


def pt_map(support, labels, query, pace):
    powers = unit(np.sqrt(np.concatenate([support, query]) + 1e-6))
    # With the paper's QR decomposition, which should change nothing.
    turned = np.linalg.qr(powers.T)[1].T
    support, query = (unit(x - x.mean(axis=0)) for x in np.split(turned, [len(support)]))
    centres, members = means_of(support, labels), np.eye(WAY)[labels]

    def plan():
        costs = np.array([[np.sum((q - c) ** 2) for c in centres] for q in query])
        p = np.exp(-10 * costs)
        for _ in range(2000):
            before = p
            p = p / p.sum(axis=1, keepdims=True)
            p = p * (len(query) / WAY / p.sum(axis=0))
            if np.abs(p - before).max() < 1e-15:
                break
        return p

    for _ in range(20):
        weights = np.concatenate([members, plan()])
        estimates = (
            weights.T @ np.concatenate([support, query]) / weights.sum(axis=0)[:, np.newaxis]
        )
        centres = centres + pace * (estimates - centres)
    found = plan()
    return found / found.sum(axis=1, keepdims=True)


def _adam(support, labels, query, gradient_of_answers):
    """1,000 steps on weights; the gradients by the answers' logits are worked out by hand."""
    support, query = unit(support).astype(np.float64), unit(query).astype(np.float64)
    weights, truth = means_of(support, labels), np.eye(WAY)[labels]
    mean, square = np.zeros_like(weights), np.zeros_like(weights)

    def answers(x):
        return softmax(-7.5 * ((x[:, np.newaxis] - weights) ** 2).sum(axis=-1))

    for n in range(1, 1001):
        of_support, of_query = gradient_of_answers(answers(support) - truth, answers(query))
        slopes = np.concatenate([of_support / len(support), of_query / len(query)])
        examples = np.concatenate([support, query])
        # d logit_in / d w_n = 15 (f_i - w_n)
        gradient = 15 * (slopes.T @ examples - slopes.sum(axis=0)[:, np.newaxis] * weights)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        step = (mean / (1 - 0.9**n)) / (np.sqrt(square / (1 - 0.999**n)) + 1e-8)
        weights = weights - 1e-4 * step
    return answers(query)


def _through_softmax(p, gradient):
    """From the gradient by probabilities to the gradient by their logits."""
    return p * (gradient - (p * gradient).sum(axis=-1, keepdims=True))


def tim(support, labels, query):
    def gradients(errors, p):
        # Of -sum p log p: -(log p + 1); of sum m log m by p: log m + 1. Constants drop out.
        return 0.1 * errors, _through_softmax(p, np.log(p.mean(axis=0)) - 0.1 * np.log(p))

    return _adam(support, labels, query, gradients)


def alpha_tim(support, labels, query, alpha):
    def gradients(errors, p):
        # Of (1 - sum p^a) / (a - 1): -a p^(a - 1) / (a - 1).
        rise = alpha / (alpha - 1)
        slope = rise * (p.mean(axis=0) ** (alpha - 1) - p ** (alpha - 1))
        return errors, _through_softmax(p, slope)

    return _adam(support, labels, query, gradients)


@pytest.mark.slow
@pytest.mark.parametrize("queries", SIZES)
@pytest.mark.parametrize(
    ("algorithm", "constants", "tolerance"),
    [
        (logistic_regression, {"inverse_penalty": 0.1}, 1e-5),
        (logistic_regression, {"inverse_penalty": 10.0}, 1e-5),
        (logistic_regression, {"inverse_penalty": 100.0}, 1e-4),
        (bd_cspn, {}, 1e-5),
        (laplacian_shot, {"smoothness": 0.7}, 1e-5),
        # Two queries of one class are torn apart by balance: 1e-4 of rounding in float32.
        (pt_map, {"pace": 0.2}, 1e-3),
        (pt_map, {"pace": 0.4}, 1e-3),
        # Adam divides by the size of the gradient, so that rounding counts where it is near 0.
        (tim, {}, 2e-3),
        (alpha_tim, {"alpha": 2.0}, 2e-3),
        (alpha_tim, {"alpha": 5.0}, 2e-3),
    ],
)
def test_answers_are_those_of_the_algorithm(algorithm, constants, tolerance, queries):
    inputs, name = draw(queries), algorithm.__name__
    # A constant that is chosen anyway is left out: the program is that of the tests below.
    others = constants.items() - METHODS[name].chosen.get(1, {}).items()
    found = classify(name, inputs, **dict(others))
    columns = (inputs[part] for part in ("support_features", "support_labels", "query_features"))
    exact = (np.float64(x) if x.dtype == np.float32 else x for x in columns)
    expected = [algorithm(*episode, **constants) for episode in zip(*exact, strict=True)]
    np.testing.assert_allclose(found, expected, atol=tolerance)


@every_method
@pytest.mark.parametrize("queries", SIZES)
def test_probabilities_of_every_query_sum_to_one(name, queries):
    found = classify(name, draw(queries))
    assert found.shape == (4, queries, WAY)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert (found >= 0).all()


@every_method
def test_permuted_queries_get_permuted_answers(name):
    inputs, order = draw(14), np.random.default_rng(1).permutation(14)
    permuted = {**inputs, "query_features": inputs["query_features"][:, order]}
    np.testing.assert_allclose(
        classify(name, permuted), classify(name, inputs)[:, order], atol=1e-3
    )


@every_method
def test_an_answer_depends_on_no_other_episode(name):
    inputs = draw(14)
    alone = classify(name, {key: value[:1] for key, value in inputs.items()})
    np.testing.assert_allclose(classify(name, inputs)[:1], alone, atol=1e-4)


@every_method
def test_hyperparameters_were_chosen_from_the_grid(name):
    method = METHODS[name]
    for chosen in method.chosen.values():
        assert chosen.keys() == method.grid.keys()
        assert all(chosen[key] in method.grid[key] for key in chosen)
    assert bool(method.grid) == bool(method.chosen)


def test_a_hyperparameter_is_that_of_the_nearest_shot(monkeypatch, request):
    chosen = {1: {"inverse_penalty": 0.1}, 8: {"inverse_penalty": 10.0}}
    monkeypatch.setattr(METHODS["logistic_regression"], "chosen", chosen)
    compiled.cache_clear()
    request.addfinalizer(compiled.cache_clear)
    inputs = draw(14)  # two shots: nearer to 1 than to 8
    found = classify("logistic_regression", inputs)
    np.testing.assert_array_equal(
        found, classify("logistic_regression", inputs, inverse_penalty=0.1)
    )


def test_an_unknown_hyperparameter_is_refused():
    with pytest.raises(TypeError, match="TIM has no hyperparameter alpha"):
        METHODS["tim"](FewShotClassifier(WAY, DIM), alpha=2.0)


@pytest.mark.parametrize("name", [name for name in NAMES if METHODS[name].grid])
def test_the_constants_are_the_best_of_the_published_search(name):
    ((constant, values),) = METHODS[name].grid.items()
    published = json.loads(SEARCH.read_text())["results"]
    for shot, chosen in METHODS[name].chosen.items():
        rows = [row for row in published if (row["method"], row["shot"]) == (name, shot)]
        assert [row["value"] for row in rows] == list(values)
        best = max(rows, key=lambda row: row["balanced"] + row["dirichlet"])
        assert chosen == {constant: best["value"]}
