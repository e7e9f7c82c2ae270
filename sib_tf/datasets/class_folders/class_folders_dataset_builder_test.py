import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.datasets.class_folders import Builder, ClassFoldersConfig
from sib_tf.datasets.class_folders.splits import split_classes
from sib_tf.datasets.prepared import SPLITS

NOT_LISTED = {split: () for split in SPLITS}


def write_class_folders(root, num_classes=6, images_per_class=3):
    generator = np.random.default_rng(0)
    for label in range(num_classes):
        folder = root / f"class{label}"
        folder.mkdir(parents=True)
        for index in range(images_per_class):
            pixels = generator.integers(0, 256, (10, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
    return root


def prepare(config, data_dir):
    builder = Builder(config=config, data_dir=data_dir)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            beam_runner="DirectRunner", beam_options=PipelineOptions([])
        )
    )
    return builder


def read(builder, split):
    return list(tfds.as_numpy(builder.as_dataset(split=split)))


class ClassFoldersTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {"train": 6, "validation": 6, "test": 6}  # noqa: RUF012

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = write_class_folders(Path(folder.name) / "images")
        cls.BUILDER_CONFIG_NAMES_TO_TEST = [
            ClassFoldersConfig(root=str(cls.EXAMPLE_DIR), image_size=8)
        ]
        super().setUpClass()

    def _make_builder(self, config=None):
        return super()._make_builder(config or self.BUILDER_CONFIG_NAMES_TO_TEST[0])


def test_splits_share_labels_but_no_class(tmp_path):
    root = write_class_folders(tmp_path / "images")
    builder = prepare(ClassFoldersConfig(root=str(root), image_size=8), tmp_path / "tfds")
    names = builder.info.features["label"].names
    assert names == [f"class{label}" for label in range(6)]
    labels_of = {}
    for split in SPLITS:
        examples = read(builder, split)
        labels_of[split] = {example["label"] for example in examples}
        for example in examples:
            assert example["id"].decode().split("/")[0] == names[example["label"]]
            assert example["image"].shape == (8, 8, 3)
    assert sum(map(len, labels_of.values())) == len(set.union(*labels_of.values())) == 6


@pytest.mark.slow
def test_pixels_and_order_are_reproducible(tmp_path):
    root = write_class_folders(tmp_path / "images", num_classes=3)
    config = ClassFoldersConfig(root=str(root), image_size=8)
    first = read(prepare(config, tmp_path / "first"), "train")
    second = read(prepare(config, tmp_path / "second"), "train")
    assert [example["id"] for example in first] == [example["id"] for example in second]
    np.testing.assert_array_equal(
        [example["image"] for example in first], [example["image"] for example in second]
    )


def test_listed_classes_and_all_pixel_types(tmp_path):
    root = write_class_folders(tmp_path / "images", num_classes=4, images_per_class=1)
    Image.fromarray(np.full((8, 8), 65535 // 2, np.uint16)).save(root / "class3" / "grey16.png")
    Image.new("L", (8, 8), 7).save(root / "class3" / "grey.png")
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(root / "class3" / "alpha.png")
    config = ClassFoldersConfig(
        root=str(root),
        image_size=8,
        train_classes=("class3",),
        validation_classes=("class0",),
        test_classes=("class2",),
    )
    builder = prepare(config, tmp_path / "tfds")
    colours = {
        example["id"].decode(): set(example["image"].ravel()) for example in read(builder, "train")
    }
    assert colours.pop("class3/0.png")
    assert colours == {
        "class3/grey16.png": {127},
        "class3/grey.png": {7},
        "class3/alpha.png": {255},
    }
    assert {example["id"] for example in read(builder, "test")} == {b"class2/0.png"}
    assert builder.info.splits.total_num_examples == 6


def test_unreadable_image_is_named(tmp_path):
    root = write_class_folders(tmp_path / "images", num_classes=3)
    damaged = root / "class1" / "1.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    with pytest.raises(UserError, match=f"^{damaged}: cannot be read"):
        prepare(ClassFoldersConfig(root=str(root), image_size=8), tmp_path / "tfds")


def test_all_unreadable_images_are_counted_and_the_first_is_named(tmp_path):
    root = write_class_folders(tmp_path / "images", num_classes=3, images_per_class=3)
    for name in ("2.png", "0.png"):
        (root / "class1" / name).write_bytes(b"no image")
    first = root / "class1" / "0.png"
    words = rf"^{first}: is not an image.* \(the first of 2 unreadable images\)"
    with pytest.raises(UserError, match=words):
        prepare(ClassFoldersConfig(root=str(root), image_size=8), tmp_path / "tfds")


def test_builder_needs_a_folder(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        Builder(
            config=ClassFoldersConfig(root=str(tmp_path / "absent"), image_size=8),
            data_dir=tmp_path,
        )
    with pytest.raises(UserError, match="ClassFoldersConfig"):
        Builder(data_dir=tmp_path)


def test_every_parameter_changes_the_name(tmp_path):
    config = ClassFoldersConfig(root=str(tmp_path), image_size=8)
    changes = (
        {"root": str(tmp_path / "other")},
        {"image_size": 16},
        {"split_seed": 1},
        {"train_classes": ("a",)},
        {"test_classes": ("a",)},
    )
    names = {dataclasses.replace(config, **change).name for change in changes}
    assert len(names | {config.name}) == len(changes) + 1
    assert dataclasses.replace(config).name == config.name


def test_image_size_must_be_positive():
    with pytest.raises(UserError, match="image_size: is 0"):
        ClassFoldersConfig(root="images", image_size=0)


@pytest.mark.parametrize(
    ("num_classes", "sizes"),
    [
        (3, (1, 1, 1)),
        (14, (6, 4, 4)),
        (15, (5, 5, 5)),
        (28, (17, 5, 6)),
        (31, (20, 5, 6)),
        (100, (64, 16, 20)),
    ],
)
def test_drawn_splits_partition_the_classes(num_classes, sizes):
    classes = [f"class{label}" for label in range(num_classes)]
    splits = split_classes(classes, 0, NOT_LISTED)
    assert tuple(len(splits[split]) for split in SPLITS) == sizes
    assert sorted(name for names in splits.values() for name in names) == sorted(classes)


def test_draw_depends_only_on_names_and_seed():
    classes = [f"class{label}" for label in range(50)]
    splits = split_classes(classes, 0, NOT_LISTED)
    assert split_classes(classes[::-1], 0, NOT_LISTED) == splits
    assert split_classes(classes, 1, NOT_LISTED) != splits


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ((("a",), ("b",), ()), "^test_classes: is empty"),
        ((("a",), ("b",), ("x",)), "^test_classes: class 'x' has no folder"),
        ((("a", "b"), ("b",), ("c",)), "^validation_classes: class 'b' is already in train_cl"),
        ((("a", "a"), ("b",), ("c",)), "^train_classes: class 'a' is already in train_classes"),
    ],
)
def test_bad_lists_are_refused(listed, message):
    with pytest.raises(UserError, match=message):
        split_classes(["a", "b", "c"], 0, dict(zip(SPLITS, listed, strict=True)))


def test_fewer_than_three_classes_are_refused():
    with pytest.raises(UserError, match="at least 3"):
        split_classes(["a", "b"], 0, NOT_LISTED)
