"""Episodes of many sizes: how they are drawn, stored, read and batched."""

import numpy as np
import pytest
import tensorflow as tf

from sib_tf import FewShotClassifier
from sib_tf.base.errors import UserError
from sib_tf.features.feature_table import FeatureTable
from sib_tf.few_shot.batches import training_batches
from sib_tf.few_shot.episodes import schema
from sib_tf.few_shot.episodes.reader import read_table
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class, sample
from sib_tf.few_shot.episodes.varied import BLOCK, VariedEpisodes, level_of, levels
from sib_tf.few_shot.settings import MetaSettings
from sib_tf.training import meta_training

SPEC = VariedEpisodes(way=(2, 8), shot=(1, 3), queries=(1, 60), shares="mixture")
LABELS = np.repeat(np.arange(9), 40)
COUNT = 3 * BLOCK


def sizes(count=COUNT, smallest=1000, seed=0):
    return [SPEC.spec(smallest, seed=seed, stream="train", index=i) for i in range(count)]


def draw(index):
    groups = examples_by_class(LABELS, SPEC, [str(n) for n in range(9)], "train")
    number = {"seed": 0, "stream": "train", "index": index}
    return sample(groups, SPEC.spec(40, **number), **number)


@pytest.fixture(scope="module")
def drawn():
    return [draw(i) for i in range(COUNT)]


@pytest.fixture(scope="module")
def table(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("episodes")
    with tf.io.TFRecordWriter(str(folder / "a.tfrecord")) as writer:
        for episode in reversed(drawn):
            writer.write(schema.encode(episode))
    return read_table(folder, SPEC, COUNT)


def test_sizes_are_in_their_ranges_and_even_over_the_logarithm():
    found = sizes(20 * BLOCK)
    for name, low, high in (("way", 2, 8), ("shot", 1, 3), ("queries", 1, 60)):
        values = np.array([getattr(spec, name) for spec in found])
        assert (values.min(), values.max()) == (low, high)
    queries = np.array([spec.queries for spec in found])
    # Half of the logarithms 0 .. log 61 are below sqrt(61) = 7.8. Blocks, of which there are 20,
    # share a level: a standard deviation of 0.11.
    assert 0.2 < np.mean(queries < 7.8) < 0.8


def test_a_size_depends_on_seed_stream_and_index_alone():
    forwards, backwards = sizes(), sizes()[::-1][::-1]
    assert forwards == backwards
    assert forwards != sizes(seed=1)
    assert forwards[0] == SPEC.spec(1000, seed=0, stream="train", index=0)
    assert forwards != [SPEC.spec(1000, seed=0, stream="test", index=i) for i in range(COUNT)]


def test_episodes_of_a_block_share_their_levels():
    found = sizes(20 * BLOCK)
    for start in range(0, len(found), BLOCK):
        block = found[start : start + BLOCK]
        for name, largest in (("way", 8), ("queries", 60)):
            used = {level_of(getattr(spec, name), levels(largest, name)) for spec in block}
            assert len(used) == 1
    assert levels(60, "queries") == [1, 4, 15, 60]
    assert levels(8, "way") == [2, 8]


def test_small_classes_give_fewer_queries():
    # 2 classes of 7, one shot: 2 * (7 - 1) / 2 = 6 queries at the most.
    assert max(spec.queries / spec.way for spec in sizes(smallest=7)) <= 3
    assert {spec.shot for spec in sizes(smallest=7)} == {1, 2, 3}


def test_what_is_read_is_what_was_drawn(drawn, table):
    assert table.support_ids.shape == (COUNT, 8 * 3)
    assert table.query_ids.shape == (COUNT, 60)
    for n, episode in enumerate(drawn):
        for name in ("classes", "support_ids", "support_labels", "query_ids", "query_labels"):
            expected, found = getattr(episode, name), getattr(table, name)[n]
            np.testing.assert_array_equal(found[: len(expected)], expected)
            assert (found[len(expected) :] == -1).all()


def test_larger_episodes_are_refused(drawn, tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        for episode in drawn:
            writer.write(schema.encode(episode))
    small = VariedEpisodes(way=(2, 8), shot=(1, 3), queries=(1, 59))
    with pytest.raises(UserError, match=r"a\.tfrecord is truncated or not of the expected kind"):
        read_table(tmp_path, small, COUNT)


def test_batches_hold_the_episodes_and_mark_their_padding(drawn, table):
    rows = np.arange(len(LABELS), dtype=np.float32)[np.newaxis, :, np.newaxis]  # feature = id
    batches = training_batches(
        FeatureTable(rows, LABELS), table, steps_per_call=25, episodes_per_step=2, seed=0
    )
    numbers, ways, asked = iter(range(COUNT)), set(), set()
    for inputs, labels, weights in batches.take(COUNT // 50):
        ways.add(inputs["class_mask"].shape[-1])
        asked.add(labels.shape[-1])
        for t, b in np.ndindex(25, 2):
            episode = drawn[next(numbers)]
            support, queries = len(episode.support_ids), len(episode.query_ids)
            found = {name: x[t, b].numpy() for name, x in inputs.items()}
            np.testing.assert_array_equal(
                found["support_features"][:support, 0], episode.support_ids
            )
            np.testing.assert_array_equal(found["query_features"][:queries, 0], episode.query_ids)
            np.testing.assert_array_equal(labels[t, b][:queries], episode.query_labels)
            assert (found["support_labels"] >= 0).sum() == support
            assert found["query_mask"].sum() == weights[t, b].numpy().sum() == queries
            assert found["class_mask"].sum() == len(episode.classes)
    assert ways <= {2, 8}
    assert asked <= {1, 4, 15, 60}
    assert len(asked) > 1


def make_settings(**fields):
    required = {"steps": 100, "learning_rate": 0.1, "l2": 0.0}
    required |= {"train_episodes": COUNT, "validation_episodes": 1, "steps_per_epoch": 100}
    return MetaSettings(
        **{**required, "synthetic_gradient": "general", "steps_per_call": 50, **fields}
    )


@pytest.mark.slow
def test_the_loss_of_a_padded_batch_is_that_of_its_episodes(table):
    block = table.part(0, BLOCK)  # one program
    features = np.random.default_rng(0).normal(size=(1, len(LABELS), 6)).astype(np.float32)
    settings = make_settings(ways=(2, 8), learning_rate=1e-20)
    model = settings.model(8, 6)
    assert model.way is None
    trainer = meta_training.compiled(model, settings)
    batches = training_batches(
        FeatureTable(features, LABELS), block, steps_per_call=50, episodes_per_step=1, seed=0
    )
    history = trainer.fit(batches, epochs=1, steps_per_epoch=2, shuffle=False, verbose=0)
    losses = []
    for n in range(BLOCK):
        support, queries = block.support_labels[n] >= 0, block.query_labels[n] >= 0
        logits = model(
            {
                "support_features": features[:1, block.support_ids[n][support]],
                "support_labels": block.support_labels[n : n + 1, support],
                "query_features": features[:1, block.query_ids[n][queries]],
            }
        )
        log_p = tf.nn.log_softmax(logits[0]).numpy()
        losses.append(-log_p[np.arange(len(log_p)), block.query_labels[n][queries]].mean())
    # Steps have one episode each, and the loss of an epoch is the mean over its steps.
    assert history.history["loss"][0] == pytest.approx(np.mean(losses), rel=1e-3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"way": (1, 5)}, r"^way=\(1, 5\) must rise from 2 or more"),
        ({"shot": (3, 2)}, r"^shot=\(3, 2\) must rise from 1 or more"),
        ({"queries": (0, 5)}, r"^queries=\(0, 5\) must rise from 1 or more"),
        ({"shares": "even"}, r'^shares="even" is unknown'),
        ({"alpha": 0.0}, r"^dirichlet_alpha=0\.0 must be positive"),
    ],
)
def test_invalid_ranges_are_refused(fields, message):
    valid = {"way": (2, 5), "shot": (1, 1), "queries": (1, 10)}
    with pytest.raises(UserError, match=message):
        VariedEpisodes(**{**valid, **fields})


def test_settings_refuse_what_cannot_vary():
    with pytest.raises(UserError, match='synthetic_gradient="dense" is tied to one number of'):
        make_settings(synthetic_gradient="dense", ways=(2, 5))
    with pytest.raises(UserError, match=r"steps_per_call=40 .* must divide 100"):
        make_settings(ways=(2, 5), steps_per_call=40, steps_per_epoch=80, steps=160)
    assert isinstance(make_settings().model(5, 6), FewShotClassifier)
    assert make_settings().model(5, 6).way == 5
    assert EpisodeSpec(5, 1, 75).largest == EpisodeSpec(5, 1, 75)
