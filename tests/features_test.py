import keras
import numpy as np
import pytest
import tensorflow_datasets as tfds

from sib_tf import beam_runner, datasets, features
from sib_tf.augmentation import Augmentation
from sib_tf.datasets.glyphs.glyphs_dataset_builder import Builder, GlyphsConfig
from sib_tf.errors import UserError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    config = GlyphsConfig(images_per_class=6, classes=(3, 1, 1))
    builder = Builder(config=config, data_dir=tmp_path_factory.mktemp("data"))
    options = tfds.download.DownloadConfig(beam_options=beam_runner.options([]))
    builder.download_and_prepare(download_config=options)
    return builder.data_dir


@pytest.fixture(scope="module")
def phi(tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.AveragePooling2D(16), keras.layers.Flatten()]
    )
    path = tmp_path_factory.mktemp("phi") / "phi.keras"
    model.save(path)
    return path


def written(folder, monkeypatch, data, phi, workers, **kwargs):
    monkeypatch.setattr(features, "CHUNK", 5)  # several chunks, the last one smaller
    args = [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]
    features.write(folder, phi=phi, data=data, split="train", beam_args=args, **kwargs)
    return features.read(folder)


def test_plain_features_are_phi_of_the_images_in_their_order(tmp_path, monkeypatch, data, phi):
    table = written(tmp_path / "f", monkeypatch, data, phi, workers=2)
    images, labels = datasets.read_examples(datasets.builder_of(data), "train")
    # Mean over each 16x16 quarter, by numpy.
    expected = images.reshape(18, 2, 16, 2, 16, 3).mean(axis=(2, 4)).reshape(18, 12)
    np.testing.assert_allclose(table.features, expected[None], rtol=1e-5)
    np.testing.assert_array_equal(table.labels, labels)


def test_views_differ_but_not_with_the_number_of_workers(tmp_path, monkeypatch, data, phi):
    settings = {"views": 2, "augmentation": Augmentation(4, True, 0.4), "seed": 1}
    one = written(tmp_path / "1", monkeypatch, data, phi, 1, **settings)
    two = written(tmp_path / "2", monkeypatch, data, phi, 2, **settings)
    other = written(tmp_path / "3", monkeypatch, data, phi, 1, **{**settings, "seed": 2})
    np.testing.assert_array_equal(one.features, two.features)
    assert one.features.shape == (2, 18, 12)
    assert not np.isclose(one.features[0], one.features[1]).all(axis=-1).any()
    assert not np.isclose(one.features, other.features).all(axis=-1).any()


def test_features_that_are_not_finite_are_named(tmp_path, monkeypatch, data):
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Rescaling(float("inf")), keras.layers.Flatten()]
    )
    model.save(tmp_path / "bad.keras")
    with pytest.raises(UserError, match=r"features of image 0 .*NaN or\s+infinite"):
        written(tmp_path / "f", monkeypatch, data, tmp_path / "bad.keras", workers=1)


def test_a_lost_shard_is_noticed(tmp_path, monkeypatch, data, phi):
    written(tmp_path / "f", monkeypatch, data, phi, workers=1)
    for file in (tmp_path / "f").glob("*.tfrecord"):
        file.write_bytes(b"")
    with pytest.raises(UserError, match="missing"):
        features.read(tmp_path / "f")


def test_a_folder_without_features_names_the_job(tmp_path):
    with pytest.raises(UserError, match=r"jobs\.embed"):
        features.read(tmp_path)
