"""What Beam shows of work that is refused."""

import contextlib

import apache_beam as beam
import numpy as np
import pytest
from PIL import Image

from sib_tf import beam_runner, counters
from sib_tf.datasets.image_files import read_all
from sib_tf.episodes.sampling import EpisodeSpec, examples_by_class
from sib_tf.errors import UserError


def counted(work):
    """Counts on a worker whose error, and with it the end of the pipeline, is kept back."""

    def try_it(_):
        with contextlib.suppress(UserError):
            work()

    with beam.Pipeline(options=beam_runner.options([])) as pipeline:
        _ = pipeline | beam.Create([0]) | beam.Map(try_it)
    return counters.counted(pipeline.result)


def test_images_and_unreadable_images(tmp_path):
    for name in "abc":
        Image.new("RGB", (2, 2)).save(tmp_path / f"{name}.png")
    for name in "de":
        (tmp_path / f"{name}.png").write_text("no image")
    files = sorted(tmp_path.iterdir())
    found = counted(lambda: list(read_all(files, size=2)))
    assert found == {"images": 3, "unreadable images": 2}


@pytest.mark.parametrize(("queries", "found"), [(2, {}), (4, {"classes too small": 2})])
def test_classes_that_are_too_small(queries, found):
    labels = np.repeat([0, 1, 2, 3], [3, 2, 4, 2])  # an episode takes 1 + queries / 2 of each
    spec = EpisodeSpec(way=2, shot=1, queries=queries)
    assert counted(lambda: examples_by_class(labels, spec, "abcd", "train")) == found
