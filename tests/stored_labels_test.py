import numpy as np
import pytest
import tensorflow_datasets as tfds

from sib_tf import beam_runner, datasets, stored_labels
from sib_tf.datasets.glyphs.glyphs_dataset_builder import Builder, GlyphsConfig

THREADS = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three training classes of 20 images, in several shards."""
    builder = Builder(
        config=GlyphsConfig(images_per_class=20, classes=(3, 1, 1)),
        data_dir=tmp_path_factory.mktemp("data"),
    )
    download = tfds.download.DownloadConfig(beam_options=beam_runner.options([]), num_shards=4)
    builder.download_and_prepare(download_config=download)
    return builder.data_dir


@pytest.mark.parametrize("beam_args", [(), THREADS], ids=["one", "threads"])
def test_labels_come_back_by_position(tmp_path, data, beam_args):
    builder = datasets.builder_of(data)
    assert builder.info.splits["train"].num_shards == 4
    stored_labels.write(
        tmp_path / "labels", data=data, split="train", needed=20, beam_args=beam_args
    )
    found = stored_labels.read(tmp_path / "labels")
    np.testing.assert_array_equal(found, datasets.read_labels(builder, "train"))
    assert len(np.unique(found)) == 3


@pytest.mark.parametrize(
    ("needed", "said"), [(20, []), (21, ["Workers counted 3 classes too small."])]
)
def test_classes_with_too_few_examples_are_counted(tmp_path, data, caplog, needed, said):
    caplog.set_level("INFO", logger="sib_tf")
    stored_labels.write(tmp_path / "labels", data=data, split="train", needed=needed)
    assert [message for message in caplog.messages if "counted" in message] == said
