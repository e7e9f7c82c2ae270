"""Episodes written by Beam and read back."""

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf

from sib_tf.base.errors import UserError
from sib_tf.few_shot.episodes import building, reader, schema
from sib_tf.few_shot.episodes.sampling import EpisodeSpec, examples_by_class, sample

COUNT = 250  # three Beam elements
SPEC = EpisodeSpec(3, 1, 6)
LABELS = np.arange(60) % 4
FEATURES = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
GROUPS = examples_by_class(LABELS, SPEC, list("abcd"), "train")
EXPECTED = reader.draw_table(GROUPS, SPEC, range(COUNT), seed=7, stream="train")
TWO_WORKERS = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")


def open_features():
    return lambda ids: FEATURES[ids]


def write(folder, materialize="ids", **kwargs):
    lookup = open_features if materialize == "features" else None
    transform = building.SampleEpisodes(
        beam.Create([(1, LABELS[25:]), (0, LABELS[:25])]),
        SPEC,
        class_names="abcd",
        split="train",
        seed=7,
        count=COUNT,
        materialize=materialize,
        open_lookup=lookup,
    )
    building.write(folder, transform, count=COUNT, **kwargs)
    return folder


def read(folder):
    return reader.read_table(folder, SPEC, COUNT)


def files(folder):
    return sorted(folder.glob("*.tfrecord*"))


def records(folder):
    dataset = tf.data.TFRecordDataset([str(file) for file in files(folder)])
    return sorted(dataset.as_numpy_iterator())


@pytest.fixture(scope="module")
def one_shard(tmp_path_factory):
    return write(tmp_path_factory.mktemp("one") / "train", num_shards=1)


@pytest.mark.parametrize(
    "kwargs",
    [{"num_shards": 3}, {"num_shards": 2, "beam_args": TWO_WORKERS}],
    ids=["shards", "workers"],
)
def test_shards_and_workers_do_not_matter(one_shard, tmp_path, kwargs):
    folder = write(tmp_path / "train", **kwargs)
    assert len(files(folder)) == kwargs["num_shards"]
    assert len(records(folder)) == COUNT
    assert records(folder) == records(one_shard)
    check_table(read(folder))


def write_file(file, contents):
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in contents:
            writer.write(record)


def check_table(table):
    assert len(table) == COUNT
    for name in ("classes", "support_ids", "support_labels", "query_ids", "query_labels"):
        np.testing.assert_array_equal(getattr(table, name), getattr(EXPECTED, name), err_msg=name)


def test_a_table_is_in_the_order_of_the_episodes(one_shard, tmp_path):
    check_table(read(one_shard))
    shuffled = np.random.default_rng(0).permutation(np.array(records(one_shard), object))
    write_file(tmp_path / "shuffled.tfrecord", shuffled)
    check_table(read(tmp_path))


def test_a_truncated_file_is_named(one_shard, tmp_path):
    whole = files(one_shard)[0].read_bytes()
    (tmp_path / "a.tfrecord").write_bytes(whole)
    (tmp_path / "b.tfrecord").write_bytes(whole[:-5])
    with pytest.raises(UserError, match=r"b\.tfrecord is truncated or not of the expected kind"):
        read(tmp_path)


def int_lists(**lists):
    """A record of lists of integers; the name support_id stands for support/id."""
    example = tf.train.Example()
    for name, values in lists.items():
        example.features.feature[name.replace("_", "/")].int64_list.value.extend(values)
    return example.SerializeToString(deterministic=True)


def lists_of(episode):
    return {
        "episode": [episode.index],
        "classes": episode.classes,
        "support_id": episode.support_ids,
        "support_label": episode.support_labels,
        "query_id": episode.query_ids,
        "query_label": episode.query_labels,
    }


LISTS = lists_of(sample(GROUPS, SPEC, seed=7, stream="train", index=0))


def test_the_lists_are_those_of_a_valid_record(one_shard):
    assert int_lists(**LISTS) in records(one_shard)


@pytest.mark.parametrize(
    "lists",
    [
        {"episode": [0]},
        {**LISTS, "query_id": LISTS["query_id"][:5]},
        {**LISTS, "query_id": LISTS["query_id"][:5], "query_label": LISTS["query_label"][:5]},
        {**LISTS, "support_label": [0, 1, 2, 2]},
        {**LISTS, "classes": [0, 1]},
        {name: values for name, values in LISTS.items() if name != "episode"},
    ],
    ids=["number only", "an id less", "a query less", "a label more", "a class less", "no number"],
)
def test_a_file_of_other_records_is_named(one_shard, tmp_path, lists):
    (tmp_path / "a.tfrecord").write_bytes(files(one_shard)[0].read_bytes())
    write_file(tmp_path / "b.tfrecord", [records(one_shard)[0], int_lists(**lists)])
    with pytest.raises(UserError, match=r"b\.tfrecord is truncated or not of the expected kind"):
        read(tmp_path)


@pytest.mark.parametrize(
    "pick",
    [
        lambda whole: whole[1:],
        lambda whole: [*whole, whole[7]],
        lambda whole: [*whole[1:], whole[7]],
        lambda whole: [],
    ],
    ids=["lost", "twice", "lost and twice", "empty"],
)
def test_lost_and_repeated_episodes_are_noticed(one_shard, tmp_path, pick):
    write_file(tmp_path / "a.tfrecord", pick(records(one_shard)))
    words = f"{tmp_path} does not hold each of the episodes 0..249 once: delete .*build_episodes"
    with pytest.raises(UserError, match=words):
        read(tmp_path)


def test_a_file_that_is_not_a_tfrecord_is_named(tmp_path):
    (tmp_path / "a.tfrecord").write_text("a shopping list, or whatever else this might be")
    with pytest.raises(UserError, match=r"a\.tfrecord"):
        read(tmp_path)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} holds no .tfrecord files"):
        read(tmp_path)


def test_self_contained_episodes_carry_their_features(tmp_path):
    folder = write(tmp_path / "train", materialize="features", num_shards=2)
    check_table(read(folder))
    batches = list(reader.self_contained(folder, SPEC, "features", batch_size=100))
    inputs = {name: np.concatenate([b[0][name] for b in batches]) for name in batches[0][0]}
    labels = np.concatenate([b[1] for b in batches])
    assert set(inputs) == {"support_features", "support_labels", "query_features"}
    # Shards come in any order: compare the episodes sorted by their support and query features.
    expected = FEATURES[EXPECTED.support_ids], FEATURES[EXPECTED.query_ids]
    order = np.argsort(np.sum(inputs["query_features"], axis=(1, 2)))
    theirs = np.argsort(np.sum(expected[1], axis=(1, 2)))
    np.testing.assert_array_equal(inputs["support_features"][order], expected[0][theirs])
    np.testing.assert_array_equal(inputs["query_features"][order], expected[1][theirs])
    np.testing.assert_array_equal(inputs["support_labels"][order], EXPECTED.support_labels[theirs])
    np.testing.assert_array_equal(labels[order], EXPECTED.query_labels[theirs])


def test_self_contained_episodes_of_another_kind_are_refused(tmp_path):
    folder = write(tmp_path / "train", materialize="features", num_shards=1)
    other = EpisodeSpec(3, 1, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="query/"):
        list(reader.self_contained(folder, other, "features", batch_size=100))
    episode = sample(GROUPS, SPEC, seed=7, stream="train", index=0)
    narrow = FEATURES[episode.support_ids, :4], FEATURES[episode.query_ids, :4]
    write_file(folder / "z.tfrecord", [schema.encode(episode, features=narrow)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="different feature_dim"):
        list(reader.self_contained(folder, SPEC, "features", batch_size=300))
