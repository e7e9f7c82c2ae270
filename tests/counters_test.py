"""What Beam shows of work that is refused."""

import contextlib

import apache_beam as beam
from PIL import Image

from sib_tf import beam_runner, counters
from sib_tf.datasets.image_files import read_all
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
