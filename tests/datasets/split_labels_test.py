import apache_beam as beam
import numpy as np
import tensorflow_datasets as tfds
from apache_beam.testing.util import assert_that, equal_to

from sib_tf.beam import runner
from sib_tf.datasets import prepared
from sib_tf.datasets.glyphs.glyphs_dataset_builder import Builder, GlyphsConfig
from sib_tf.datasets.split_labels import ReadLabels


def test_the_labels_of_all_shards_are_those_of_the_split(tmp_path):
    config = GlyphsConfig(images_per_class=20, classes=(3, 1, 1))
    builder = Builder(config=config, data_dir=tmp_path)
    options = runner.options([])
    download = tfds.download.DownloadConfig(beam_options=options, num_shards=4)
    builder.download_and_prepare(download_config=download)
    sizes = builder.info.splits["train"].shard_lengths
    assert len(sizes) == 4
    of_shards = np.split(prepared.read_labels(builder, "train"), np.cumsum(sizes)[:-1])
    expected = [(shard, tuple(labels)) for shard, labels in enumerate(of_shards)]
    with beam.Pipeline(options=options) as pipeline:
        found = pipeline | ReadLabels(str(builder.data_dir), "train")
        found = found | beam.MapTuple(lambda shard, labels: (shard, tuple(labels)))
        assert_that(found, equal_to(expected))
