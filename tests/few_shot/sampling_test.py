"""Properties of sampled episodes, over all kinds of shares and many episodes."""

import numpy as np
import pytest

from sib_tf.base.errors import UserError
from sib_tf.few_shot.episodes.query_shares import QUERY_SHARES
from sib_tf.few_shot.episodes.reader import draw_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class, sample

LABELS = np.random.default_rng(0).permutation(np.repeat([3, 5, 6, 8, 9], 40))
NAMES = [f"class {label}" for label in range(10)]
SPECS = [EpisodeSpec(3, 2, 15, shares) for shares in ("balanced", "dirichlet", "mixture")]
every_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.shares)
FIELDS = ("classes", "support_ids", "support_labels", "query_ids", "query_labels")


def draw(spec, index, seed=0, stream="train"):
    groups = examples_by_class(LABELS, spec, NAMES, "train")
    return sample(groups, spec, seed=seed, stream=stream, index=index)


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in FIELDS)


def counts(spec, number=200):
    return np.array(
        [np.bincount(draw(spec, i).query_labels, minlength=spec.way) for i in range(number)]
    )


@every_spec
def test_an_episode_depends_on_seed_stream_and_index_only(spec):
    forwards = [draw(spec, i) for i in range(5)]
    backwards = [draw(spec, i) for i in reversed(range(5))][::-1]
    assert all(same(a, b) for a, b in zip(forwards, backwards, strict=True))
    assert not same(forwards[0], forwards[1])
    assert not same(forwards[0], draw(spec, 0, seed=1))
    assert not same(forwards[0], draw(spec, 0, stream="test"))


@every_spec
def test_labels_agree_with_the_data_set(spec):
    for i in range(100):
        episode = draw(spec, i)
        assert episode.index == i
        np.testing.assert_array_equal(
            LABELS[episode.support_ids], episode.classes[episode.support_labels]
        )
        np.testing.assert_array_equal(
            LABELS[episode.query_ids], episode.classes[episode.query_labels]
        )


@every_spec
def test_no_example_or_class_is_used_twice(spec):
    for i in range(100):
        episode = draw(spec, i)
        ids = np.concatenate([episode.support_ids, episode.query_ids])
        assert len(np.unique(ids)) == len(ids) == 3 * 2 + 15
        assert len(np.unique(episode.classes)) == 3


@every_spec
def test_every_support_set_is_balanced(spec):
    for i in range(50):
        assert np.bincount(draw(spec, i).support_labels).tolist() == [2, 2, 2]


def test_balanced_shares():
    assert (counts(SPECS[0]) == 5).all()


def test_dirichlet_shares_vary_but_their_sum_does_not():
    found = counts(SPECS[1])
    assert (found.sum(axis=1) == 15).all()
    assert len(np.unique(found, axis=0)) > 50
    # Each class is expected 5 queries. With n = 15, alpha = 2, a = 3 alpha = 6, a count has
    # variance n (1/3)(2/3) (n + a) / (1 + a) = 10; the mean of 200, 0.05: five deviations 1.1.
    np.testing.assert_allclose(found.mean(axis=0), 5, atol=1.1)
    np.testing.assert_allclose(found.var(axis=0), 10, rtol=0.4)


def test_a_mixture_holds_both_kinds():
    balanced = (counts(SPECS[2]) == 5).all(axis=1)
    # Half of 200 by a fair coin: standard deviation 7. Few Dirichlet episodes are equal by chance.
    assert 70 <= balanced.sum() <= 140


@every_spec
def test_the_position_of_a_query_does_not_tell_its_label(spec):
    episodes = [draw(spec, i) for i in range(300)]
    assert sum((np.diff(e.query_labels) >= 0).all() for e in episodes) <= 2
    # In each third of the positions the mean label is the same: 1, with a standard error of
    # sqrt(2/3 / 1500) = 0.02, more where the labels of an episode are correlated.
    labels = np.array([e.query_labels for e in episodes]).reshape(300, 3, 5)
    np.testing.assert_allclose(labels.mean(axis=(0, 2)), labels.mean(), atol=0.1)


@every_spec
def test_all_given_groups_are_drawn_from_and_no_others(spec):
    drawn = {int(label) for i in range(50) for label in draw(spec, i).classes}
    assert drawn == {3, 5, 6, 8, 9}


def test_a_class_with_too_few_examples_is_named():
    labels = np.append(LABELS, [2] * 6)
    # 2 + 15 / 3 = 7 are needed, and where counts vary 2 + 1.5 * 15 / 3, rounded up.
    for spec, needed in zip(SPECS, (7, 10, 10), strict=True):
        words = (
            rf'"class 2" of the train split has 6 images, .* needs {needed} .*lower .*_per_class'
        )
        with pytest.raises(UserError, match=words):
            examples_by_class(labels, spec, NAMES, "train")
    groups = examples_by_class(np.append(labels, 2), SPECS[0], NAMES, "train")
    assert groups[2].tolist() == list(range(200, 207))


def test_too_few_classes_are_refused():
    with pytest.raises(UserError, match=r"The train split has 5 classes.*config\.episodes\.way=6"):
        examples_by_class(LABELS, EpisodeSpec(6, 1, 6), NAMES, "train")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"way": 1}, r"^way=1 must be at least 2"),
        ({"shot": 0}, r"^shot=0 must be at least 1"),
        ({"queries": 0}, r"^queries=0 must be at least 1"),
        (
            {"shares": "equal"},
            r'^shares="equal" is unknown: use "balanced" or "dirich',
        ),
        ({"alpha": 0.0}, r"^dirichlet_alpha=0\.0 must be positive"),
        ({"alpha": float("nan")}, r"^dirichlet_alpha=nan must be positive"),
        ({"alpha": float("inf")}, r"^dirichlet_alpha=inf must be .*finite"),
    ],
)
def test_invalid_specs_are_refused(fields, message):
    with pytest.raises(UserError, match=message):
        EpisodeSpec(**{"way": 3, "shot": 1, "queries": 15, **fields})


@pytest.mark.parametrize(("queries", "expected"), [(1, [0, 0, 1]), (2, [0, 1, 1]), (16, [5, 5, 6])])
def test_balanced_counts_differ_by_one_and_the_larger_ones_are_drawn(queries, expected):
    found = counts(EpisodeSpec(3, 1, queries))
    np.testing.assert_array_equal(np.sort(found, axis=1), np.tile(expected, (200, 1)))
    assert len(np.unique(found, axis=0)) == 3


def test_what_a_class_cannot_give_is_drawn_again():
    # Beside two shots classes have 38 images. Of 60 queries one class would get more at times.
    spec = EpisodeSpec(3, 2, 60, "dirichlet", alpha=1.0)
    found = counts(spec)
    assert (found.sum(axis=1) == 60).all()
    assert found.max() == 38
    unlimited = QUERY_SHARES["dirichlet"]
    rng = np.random.default_rng(0)
    assert max(unlimited.draw(rng, 60, np.full(3, 38), 1.0).max() for _ in range(200)) > 50
    # Counts that were possible at once are those that were drawn at first.
    groups = {n: np.arange(1000 * n, 1000 * (n + 1)) for n in range(3)}
    first = [sample(groups, spec, seed=0, stream="s", index=i) for i in range(50)]
    few = {n: ids[:40] for n, ids in groups.items()}
    for episode in first:
        expected = np.bincount(episode.query_labels, minlength=3)
        if expected.max() <= 38:
            again = sample(few, spec, seed=0, stream="s", index=episode.index)
            np.testing.assert_array_equal(np.bincount(again.query_labels, minlength=3), expected)


def test_natural_shares_are_those_of_the_examples_beside_the_support():
    sizes = (12, 22, 72)  # 10, 20 and 70 beside two shots
    groups = {n: np.arange(100 * n, 100 * n + size) for n, size in enumerate(sizes)}
    spec = EpisodeSpec(3, 2, 30, "natural")
    drawn = [sample(groups, spec, seed=0, stream="s", index=i) for i in range(500)]
    found = np.array([[np.sum(e.classes[e.query_labels] == n) for n in range(3)] for e in drawn])
    assert (found.sum(axis=1) == 30).all()
    # Of 30 among 100: 3, 6 and 21, with deviations of at most 2.2; 500 episodes, 0.1.
    np.testing.assert_allclose(found.mean(axis=0), [3, 6, 21], atol=0.5)
    assert len(np.unique(found, axis=0)) > 20
    # All that there are.
    rng = np.random.default_rng(0)
    counts = QUERY_SHARES["natural"].counts(rng, 100, np.array([10, 20, 70]), 2.0)
    np.testing.assert_array_equal(counts, [10, 20, 70])


def test_counts_that_never_fit_are_refused():
    with pytest.raises(UserError, match=r"1000 draws of 60 Dirichlet queries .*\(20 to 20 beside"):
        QUERY_SHARES["dirichlet"].counts(np.random.default_rng(0), 60, np.full(3, 20), 0.01)


def test_episodes_of_fewer_images_are_the_same():
    spec = EpisodeSpec(way=2, shot=1, queries=2)
    groups = {3: np.array([10, 20, 30]), 5: np.array([40, 50, 60])}
    table = draw_table(groups, spec, range(4), seed=0, stream="s")
    ids = table.image_ids
    assert set(ids) == set(table.support_ids.ravel()) | set(table.query_ids.ravel())
    fewer = table.renumbered(ids)
    np.testing.assert_array_equal(ids[fewer.support_ids], table.support_ids)
    np.testing.assert_array_equal(ids[fewer.query_ids], table.query_ids)
    np.testing.assert_array_equal(fewer.query_labels, table.query_labels)
