import apache_beam as beam
from PIL import Image

from sib_tf import beam_runner, counters
from sib_tf.datasets.image_files import UNREADABLE, read_class


def test_images_and_unreadable_images(tmp_path):
    for name in "ab":
        Image.new("RGB", (2, 2)).save(tmp_path / f"{name}.png")
    for name in "de":
        (tmp_path / f"{name}.png").write_text("no image")
    chosen = [(name, [tmp_path / f"{file}.png" for file in name]) for name in ("ad", "be")]
    with beam.Pipeline(options=beam_runner.options([])) as pipeline:
        _ = (
            pipeline
            | beam.Create(chosen)
            | beam.FlatMap(read_class, 2).with_outputs(UNREADABLE, main="examples")
        )
    assert counters.counted(pipeline.result) == {"images": 2, "unreadable images": 2}
