"""Counters of Beam's workers: images, and input that will be refused."""

import apache_beam as beam
import numpy as np
import pytest
from PIL import Image

from sib_tf.beam import counters, runner
from sib_tf.datasets.image_files import read_class
from sib_tf.datasets.pieces import UNREADABLE
from sib_tf.few_shot.episodes.class_sizes import CountSmallClasses


def counted(elements, transform):
    with beam.Pipeline(options=runner.options([])) as pipeline:
        _ = pipeline | beam.Create(elements) | transform
    return counters.counted(pipeline.result)


def test_images_and_unreadable_images_are_counted(tmp_path):
    for name in "ab":
        Image.new("RGB", (2, 2)).save(tmp_path / f"{name}.png")
    for name in "de":
        (tmp_path / f"{name}.png").write_text("no image")
    chosen = [(name, {file: tmp_path / f"{file}.png" for file in name}) for name in ("ad", "be")]
    read = beam.FlatMap(read_class, 2).with_outputs(UNREADABLE, main="examples")
    assert counted(chosen, read) == {"images": 2, "unreadable images": 2}


@pytest.mark.parametrize(("needed", "found"), [(2, {}), (3, {"classes too small": 2})])
def test_small_classes_are_counted_across_shards(needed, found):
    labels = np.repeat([0, 1, 2, 3], [3, 2, 4, 2])
    parts = enumerate([labels[1::2], labels[::2]])
    assert counted(parts, CountSmallClasses(needed)) == found
