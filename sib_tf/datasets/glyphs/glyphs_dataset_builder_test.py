"""The builder under TFDS' own checks, and what makes a build reproducible."""

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from sib_tf.base.errors import UserError
from sib_tf.datasets.glyphs.glyphs_dataset_builder import Builder, GlyphsConfig, character_examples

TINY = GlyphsConfig(images_per_class=6, classes=(3, 2, 2))


class GlyphsTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = (GlyphsConfig(images_per_class=30, classes=(8, 5, 5)),)
    SPLITS = {"train": 240, "validation": 150, "test": 150}  # noqa: RUF012
    # Nothing is downloaded, but TFDS insists on a folder that exists.
    EXAMPLE_DIR = Path(__file__).parent

    def setUp(self):
        super().setUp()
        # TFDS sets no runner, and Beam's default one would download the Prism binary.
        prism = "apache_beam.runners.portability.prism_runner.PrismRunner"
        self.enter_context(mock.patch(prism, FnApiRunner))


def build(data_dir: Path, workers: int = 1) -> Builder:
    builder = Builder(config=TINY, data_dir=data_dir)
    builder.on_beam = workers > 0
    options = PipelineOptions(
        [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]
    )
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            beam_runner=FnApiRunner(), beam_options=options
        )
    )
    return builder


def read(builder: Builder, split: str) -> dict[str, tuple[int, np.ndarray]]:
    return {
        example["id"].decode(): (int(example["label"]), example["image"])
        for example in tfds.as_numpy(builder.as_dataset(split=split))
    }


@pytest.fixture(scope="module")
def builder(tmp_path_factory) -> Builder:
    return build(tmp_path_factory.mktemp("one_worker"))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 3])
def test_number_of_workers_changes_nothing(builder, tmp_path, workers):
    other = build(tmp_path, workers)
    for split in builder.info.splits:
        ours, theirs = read(builder, split), read(other, split)
        assert list(ours) == list(theirs)
        for key in ours:
            assert ours[key][0] == theirs[key][0]
            np.testing.assert_array_equal(ours[key][1], theirs[key][1])


def test_another_seed_changes_every_image():
    for (key, ours), (other_key, theirs) in zip(
        character_examples("R", seed=0, count=6),
        character_examples("R", seed=1, count=6),
        strict=True,
    ):
        assert key == other_key
        assert ours["image"] != theirs["image"]


def test_more_images_a_class_keep_the_first_ones():
    few = list(character_examples("R", seed=0, count=3))
    assert list(character_examples("R", seed=0, count=6))[:3] == few


def test_labels_number_the_splits_one_after_another(builder):
    labels = {s: {label for label, _ in read(builder, s).values()} for s in builder.info.splits}
    assert labels == {"train": {0, 1, 2}, "validation": {3, 4}, "test": {5, 6}}


def test_label_and_id_name_the_same_character(builder):
    names = builder.info.features["label"].names
    for key, (label, _) in read(builder, "validation").items():
        assert names[label].startswith(key.split("/")[0] + "_")


def test_default_config_can_be_given_explicitly(tmp_path):
    assert (
        Builder(config=GlyphsConfig(), data_dir=tmp_path).info.features["label"].num_classes == 150
    )


def test_each_parameter_is_part_of_the_name():
    configs = [
        GlyphsConfig(),
        GlyphsConfig(seed=1),
        GlyphsConfig(images_per_class=30),
        GlyphsConfig(classes=(8, 5, 5)),
    ]
    assert len({config.name for config in configs}) == len(configs)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"seed": -1}, "seed=-1 is negative"),
        ({"images_per_class": 0}, "images_per_class=0; use 1 or more"),
        ({"classes": (97, 5, 5)}, r"classes=\(97, 5, 5\); give three counts"),
        ({"classes": (0, 5, 5)}, r"classes=\(0, 5, 5\); give three counts"),
        ({"classes": (8, 5)}, r"classes=\(8, 5\); give three counts"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(UserError, match=message):
        GlyphsConfig(**parameters)
