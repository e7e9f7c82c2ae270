import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from sib_tf.backbones import registry
from sib_tf.backbones.augmentation import Augmentation
from sib_tf.base.errors import UserError
from sib_tf.beam import runner
from sib_tf.datasets import prepared
from sib_tf.datasets.glyphs.glyphs_dataset_builder import Builder, GlyphsConfig
from sib_tf.features import embedding, feature_table
from sib_tf.features.array_file import ArrayFile


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    config = GlyphsConfig(images_per_class=6, classes=(3, 1, 1))
    builder = Builder(config=config, data_dir=tmp_path_factory.mktemp("data"))
    options = tfds.download.DownloadConfig(beam_options=runner.options([]))
    builder.download_and_prepare(download_config=options)
    return builder.data_dir


@pytest.fixture(scope="module")
def phi(tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.AveragePooling2D(16), keras.layers.Flatten()],
        name="quarters",
    )
    path = tmp_path_factory.mktemp("phi") / "phi.keras"
    model.save(path)
    return path


def written(folder, monkeypatch, data, phi, workers, chunk=6, **kwargs):
    """Features of 18 images from several chunks of several batches, with smaller last ones."""
    monkeypatch.setattr(embedding, "BATCH", 4)
    monkeypatch.setattr(embedding, "CHUNK", chunk)
    args = [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]
    embedding.write(folder, phi=phi, data=data, split="train", beam_args=args, **kwargs)
    return feature_table.read(folder)


def every_example(builder, split):
    labels = prepared.read_labels(builder, split)
    return prepared.read_images(builder, split, np.arange(len(labels))), labels


def test_plain_features_are_phi_of_the_images_in_their_order(tmp_path, monkeypatch, data, phi):
    table = written(tmp_path / "f", monkeypatch, data, phi, workers=2)
    images, labels = every_example(prepared.builder_of(data), "train")
    # Mean over each 16x16 quarter, by numpy.
    expected = images.reshape(18, 2, 16, 2, 16, 3).mean(axis=(2, 4)).reshape(18, 12)
    np.testing.assert_allclose(table.features, expected[None], rtol=1e-5)
    np.testing.assert_array_equal(table.labels, labels)
    assert table.network == feature_table.network_of(tmp_path / "f") == "quarters"


def test_features_that_do_not_say_what_made_them_are_read(tmp_path):
    table = feature_table.FeatureTable(np.ones((1, 2, 3), np.float32), np.arange(2))
    feature_table.write(tmp_path / "f", table)
    info = tmp_path / "f/info.json"
    earlier = json.loads(info.read_text())
    del earlier["network"]
    info.write_text(json.dumps(earlier))
    assert feature_table.network_of(tmp_path / "f") is None
    np.testing.assert_array_equal(feature_table.read(tmp_path / "f").features, table.features)


@pytest.mark.slow
def test_views_differ_but_not_with_workers_and_chunks(tmp_path, monkeypatch, data, phi):
    kwargs = {"views": 2, "augmentation": Augmentation(4, True, 0.4), "seed": 1}
    one = written(tmp_path / "1", monkeypatch, data, phi, 1, chunk=8, **kwargs)
    two = written(tmp_path / "2", monkeypatch, data, phi, 2, chunk=12, **kwargs)
    other = written(tmp_path / "3", monkeypatch, data, phi, 1, chunk=8, **{**kwargs, "seed": 2})
    np.testing.assert_array_equal(one.features, two.features)
    assert one.features.shape == (2, 18, 12)
    assert not np.isclose(one.features[0], one.features[1]).all(axis=-1).any()
    assert not np.isclose(one.features, other.features).all(axis=-1).any()


def test_an_image_whose_features_are_not_finite_is_named_with_split_and_class(
    tmp_path, monkeypatch, data
):
    monkeypatch.setattr(embedding, "BATCH", 4)
    builder = prepared.builder_of(data)
    images, labels = every_example(builder, "test")
    # phi is the logarithm of the distance to image 5, the second of the second batch.
    input_ = keras.Input((32, 32, 3))
    distance = keras.layers.Normalization((1, 2, 3), images[5], np.ones((32, 32, 3)))(input_)
    squares = keras.layers.Flatten()(keras.ops.square(distance))
    output = keras.ops.log(keras.ops.sum(squares, axis=1, keepdims=True))
    keras.Model(input_, output).save(tmp_path / "bad.keras")
    with pytest.raises(UserError) as error:
        embedding.write(tmp_path / "f", phi=tmp_path / "bad.keras", data=data, split="test")
    assert str(error.value).startswith(
        f"{tmp_path / 'bad.keras'} makes NaN or infinite features of image 5 of the test split, "
        f'class "{prepared.class_names(builder)[labels[5]]}": its weights may hold NaN'
    )
    assert not list(tmp_path.glob("f/*.tfrecord"))


def test_a_backbone_for_larger_images_is_named(tmp_path, data):
    registry.build("conv4_4", 84).save(tmp_path / "phi.keras")
    words = f"^{tmp_path / 'phi.keras'} is for images of 84 x 84 pixels, those .* have 32 x 32: "
    with pytest.raises(UserError, match=words):
        embedding.write(tmp_path / "f", phi=tmp_path / "phi.keras", data=data, split="test")
    assert not (tmp_path / "f").exists()


def record(position, value=1.0):
    return feature_table.encode(position, 7, np.full((2, 3), value, np.float32))


def gathered(folder, *records):
    """What becomes of these records of 2 images, in 2 views of 3 features each."""
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "f.tfrecord")) as writer:
        for each in records:
            writer.write(each)
    feature_table.gather(folder, views=2, examples=2, dim=3, network=None)
    return feature_table.read(folder)


def test_records_become_arrays_that_are_mapped(tmp_path):
    table = gathered(tmp_path / "f", record(1, 5), record(0, 4))
    assert not list(tmp_path.glob("f/*.tfrecord"))
    assert isinstance(table.features, np.memmap)
    np.testing.assert_array_equal(table.features[:, :, 0], [[4, 5], [4, 5]])
    np.testing.assert_array_equal(table.labels, [7, 7])


def test_records_that_were_never_gathered_are_read(tmp_path):
    expected = gathered(tmp_path / "f", record(1, 5), record(0, 4))
    (tmp_path / "old").mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / "old/f.tfrecord")) as writer:
        for each in (record(1, 5), record(0, 4)):
            writer.write(each)
    shutil.copy(tmp_path / "f/info.json", tmp_path / "old")
    found = feature_table.read(tmp_path / "old")
    np.testing.assert_array_equal(found.features, expected.features)
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_an_array_is_written_in_any_order(tmp_path):
    rows = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
    with (tmp_path / "a.npy").open("wb") as file:
        array = ArrayFile(file, (2, 6, 3), np.float32)
        for ids in ([4, 0, 1], [3, 5]):
            array.put(np.array(ids), rows[:, [n - (n > 2) for n in ids]])
    expected = np.insert(rows, 2, 0, axis=1)  # Nothing was put at 2.
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), expected)


def test_a_table_that_is_not_finite_is_not_stored(tmp_path):
    features = np.array([[[1, 2], [3, np.nan]]], np.float32)
    with pytest.raises(UserError, match="features of image 1, label 8, are NaN"):
        feature_table.write(tmp_path / "f", feature_table.FeatureTable(features, np.array([7, 8])))
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([record(0), record(1, np.inf)], "features of image 1, label 7, are NaN or infinite"),
        ([record(1)], "the features of image 0 are missing: delete .* and run .*embed"),
        ([record(0), record(2)], "holds images beyond its 2, of another split"),
    ],
)
def test_records_that_are_not_those_of_a_split_are_refused(tmp_path, records, words):
    with pytest.raises(UserError, match=words):
        gathered(tmp_path / "f", *records)


def of_other_type(whole):
    return whole.replace(b"'<f4'", b"'<i4'").replace(b"'<i8'", b"'<f8'")


@pytest.mark.parametrize("name", ["features.npy", "labels.npy"])
@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-1], lambda whole: b"", lambda whole: b"PK\x03\x04", of_other_type],
    ids=["truncated", "empty", "archive", "other type"],
)
def test_a_damaged_array_is_named(tmp_path, name, damage):
    gathered(tmp_path / "f", record(0), record(1))
    file = tmp_path / "f" / name
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=rf"{name} cannot be read .*: delete .*jobs\.embed"):
        feature_table.read(tmp_path / "f")


def test_arrays_of_another_split_are_refused(tmp_path):
    gathered(tmp_path / "f", record(0), record(1))
    np.save(tmp_path / "f/labels.npy", np.arange(3))
    with pytest.raises(UserError, match="its arrays are not of one split"):
        feature_table.read(tmp_path / "f")


@pytest.mark.slow
def test_a_worker_in_another_process_can_load_a_backbone(tmp_path, data):
    registry.build("conv4_4", 32).save(tmp_path / "phi.keras")
    code = f"""
from sib_tf.features import embedding
embedding.EmbedChunk(
    phi={str(tmp_path / "phi.keras")!r}, data={str(data)!r}, split="test", views=1,
    augmentation=None, seed=0).setup()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_without_features_names_the_job(tmp_path):
    with pytest.raises(UserError, match=r"jobs\.embed"):
        feature_table.read(tmp_path)
