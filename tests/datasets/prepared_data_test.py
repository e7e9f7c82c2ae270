"""Prepared data sets: class folders are no longer needed, and damage is named."""

import resource
import shutil
import signal
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from configs import glyphs, image_folder
from sib_tf.base.errors import UserError
from sib_tf.base.lookup import rows
from sib_tf.datasets import prepared
from sib_tf.datasets.stored_files import StoredFiles
from sib_tf.datasets.stored_images import StoredImages
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute
from sib_tf.experiments.options import Options

CLASSES = {"train": ("a", "b"), "validation": ("c", "d"), "test": ("e", "f")}


def make_config(raw):
    config = image_folder.get_config()
    config.data.root, config.data.image_size = str(raw), 32
    config.phi.crop_size = 32
    config.meta.update({"ways": (2, 2), "shots": (1, 1)})
    config.data.update({f"{split}_classes": names for split, names in CLASSES.items()})
    config.episodes.update({"way": 2, "queries_per_class": 1})
    config.eval.update({"episodes": 3, "query_shares": ("balanced",)})
    return config


def run(config, name, work, options=None):
    """Runs the only step that a job has with these options."""
    (step,) = families.steps_of(config, name, options)
    return execute(step, families.read(config), work)


def draw(raw):
    for shade, name in enumerate("abcdef"):
        (raw / name).mkdir(parents=True)
        for n in range(3):
            pixels = np.full((40, 40, 3), 40 * shade + n, np.uint8)
            Image.fromarray(pixels).save(raw / name / f"{n}.png")


def test_later_steps_do_not_need_the_raw_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "raw")
    config, work = make_config("raw"), tmp_path / "work"
    run(config, "build_dataset", work)
    shutil.rmtree(tmp_path / "raw")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    test = Options(splits=("test",))
    assert run(config, "build_episodes", work, test)
    config.data.image_size = 24
    words = r"data was written with config\.data\.image_size=32, not 24"
    with pytest.raises(UserError, match=words):
        run(config, "build_episodes", work, test)


def test_published_weights_only_need_images_of_test_classes(tmp_path):
    draw(tmp_path / "raw")
    for n in (1, 2):
        (tmp_path / f"raw/a/{n}.png").unlink()
    config, weights = make_config(tmp_path / "raw"), tmp_path / "weights"
    with pytest.raises(UserError, match='Class "a" of the train split has 1 image'):
        run(config, "build_dataset", tmp_path / "trained")
    weights.mkdir()
    for name in ("backbone", "model"):
        (weights / f"{name}.keras").touch()
    assert run(config, "build_dataset", tmp_path / "published", Options(weights=weights))


def test_a_folder_without_a_prepared_data_set_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} holds no prepared data set"):
        prepared.prepared_in(tmp_path)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A working directory with a prepared data set and nothing else."""
    config, work = glyphs.get_config("tiny"), tmp_path_factory.mktemp("work")
    config.data.update({"classes": (2, 2, 2), "images_per_class": 3})
    config.episodes.update({"way": 2, "queries_per_class": 1})
    run(config, "build_dataset", work)
    return work


def other_records(whole):
    record = tf.train.Example().SerializeToString()
    with tempfile.NamedTemporaryFile() as file:
        with tf.io.TFRecordWriter(file.name) as writer:
            for _ in range(6):
                writer.write(record)
        return Path(file.name).read_bytes()


def every_encoded_image(builder, split):
    return prepared.read_encoded_images(builder, split, np.arange(6))


def every_image(builder, split):
    return prepared.read_images(builder, split, np.arange(6))


def stored(builder, split):
    return prepared.store_examples(builder, [split], None)


def without_first_record(whole):
    return whole[16 + int.from_bytes(whole[:8], "little") :]  # length, bytes and two checksums


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-5], without_first_record, lambda whole: b"", other_records],
    ids=["truncated", "lost record", "empty", "other records"],
)
@pytest.mark.parametrize("read", [prepared.read_labels, every_encoded_image, every_image, stored])
def test_a_damaged_data_set_is_named_with_the_remedy(work, damage, read):
    builder = prepared.builder_of(prepared.prepared_in(work / "data"))
    (file,) = (work / "data").rglob("*test.tfrecord*")
    whole = file.read_bytes()
    try:
        file.write_bytes(damage(whole))
        remedy = r"delete it, then run `python -m jobs\.build_dataset`"
        with pytest.raises(UserError, match=f"^{work}/data: the test split .*{remedy}"):
            read(builder, "test")
    finally:
        file.write_bytes(whole)
    assert len(prepared.read_labels(builder, "test")) == 6


def test_images_are_read_by_their_numbers(work, tmp_path):
    builder = prepared.builder_of(prepared.prepared_in(work / "data"))
    labels = prepared.read_labels(builder, "test")
    images, _ = next(prepared.examples(builder, "test", 6))
    np.testing.assert_array_equal(
        prepared.read_images(builder, "test", np.array([4, 1, 4])), images[[4, 1, 4]]
    )
    assert prepared.read_images(builder, "test", np.array([], int)).shape == (0, 32, 32, 3)
    for unknown in (-1, 6):
        with pytest.raises(ValueError, match="shorter"):
            prepared.read_images(builder, "test", np.array([0, unknown]))
    with prepared.store_images(builder, "test", np.array([1, 4]), tmp_path) as some:
        np.testing.assert_array_equal(some[:], images[[1, 4]])
    encoded = prepared.read_encoded_images(builder, "test", np.array([[5], [0]]))
    assert encoded.keys() == {0, 5}
    np.testing.assert_array_equal(tf.io.decode_png(encoded[5]), images[5])
    stored = prepared.store_encoded_images(builder, "test")
    assert stored[np.array([5, 0])].tolist() == [encoded[5], encoded[0]]
    both, (of_test, again) = prepared.store_examples(builder, ["test", "test"], tmp_path)
    np.testing.assert_array_equal(both[0:20], [*images, *images])
    np.testing.assert_array_equal([of_test, again], [labels, labels])


def test_stored_images_are_read_like_an_array(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (7, 2, 3, 3), np.uint8)
    with StoredImages([images[:4], images[4:]], tmp_path) as stored_images:
        assert stored_images.shape == images.shape
        assert len(stored_images) == 7
        assert not list(tmp_path.iterdir())  # nothing remains of a killed process
        for numbers in (slice(2, 6), slice(5, 99), np.array([6, 0, 6]), np.array([], int)):
            np.testing.assert_array_equal(stored_images[numbers], images[numbers])
        looked_up = rows(stored_images, tf.constant([3, 1]))
        np.testing.assert_array_equal(looked_up, images[[3, 1]])
        for number in (-1, 7):
            with pytest.raises(IndexError, match=r"images 0 \.\. 6"):
                stored_images[np.array([number])]


def test_stored_files_are_not_held():
    tracemalloc.start()
    files = StoredFiles(bytes([number]) * 10_000 * number for number in range(100))
    found = files[np.array([3, 0, 99, 3])]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.tolist() == [bytes([number]) * 10_000 * number for number in (3, 0, 99, 3)]
    assert files[np.array([], int)].shape == (0,)
    assert most < 4_000_000  # of 49.5 million, at most four of the largest


@pytest.mark.parametrize(
    "store",
    [
        lambda: StoredImages([np.zeros((9, 64, 64, 3), np.uint8)], None),
        lambda: StoredFiles([bytes(100_000)]),
    ],
)
def test_images_that_find_no_room_name_the_folder(store):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))
        with pytest.raises(OSError, match=tempfile.gettempdir()):
            store()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)


def test_the_room_of_images_is_free_after_they_were_used():
    """TensorFlow keeps what its graphs have called, see `StoredImages.__exit__`."""

    def nameless():
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum("(deleted)" in str(link.readlink()) for link in links)

    before = nameless()
    with StoredImages([np.zeros((2, 1, 1, 3), np.uint8)], None) as images:
        batches = tf.data.Dataset.range(2).batch(2).map(lambda ids: rows(images, ids))
        assert len(list(batches)) == 1
        assert nameless() == before + 1
    assert nameless() == before
