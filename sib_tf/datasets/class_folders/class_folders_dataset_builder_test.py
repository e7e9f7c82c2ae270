import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.datasets import preparation
from sib_tf.datasets.class_division import split_classes
from sib_tf.datasets.class_folders import Builder, ClassFoldersConfig
from sib_tf.datasets.class_folders.class_folders_dataset_builder import Settings
from sib_tf.datasets.prepared import SPLITS


def write_class_folders(root, num_classes=6, images_per_class=3):
    generator = np.random.default_rng(0)
    for label in range(num_classes):
        folder = root / f"class{label}"
        folder.mkdir(parents=True)
        for index in range(images_per_class):
            pixels = generator.integers(0, 256, (10, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
    return root


def prepare(config, data_dir, on_beam=True):
    builder = Builder(config=config, data_dir=data_dir)
    builder.on_beam = on_beam
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


def write_damaged(root, count):
    folder = root / "class1"
    for n in range(count):
        (folder / f"damaged{n:02d}.png").write_bytes(b"no image")
    return [f"{folder}/damaged{n:02d}.png: is not an image" for n in range(count)]


@pytest.mark.parametrize("on_beam", [True, False])
def test_the_first_ten_unreadable_images_are_named_and_all_are_counted(tmp_path, on_beam):
    root = write_class_folders(tmp_path / "images", num_classes=3)
    named = "; ".join(write_damaged(root, 12)[:10])
    with pytest.raises(UserError) as error:
        prepare(ClassFoldersConfig(root=str(root), image_size=8), tmp_path / "tfds", on_beam)
    assert str(error.value).startswith(
        f"12 images cannot be read: {named}; and 2 more; delete or replace what is damaged, or "
        "leave it out with --config.data.unreadable=skip"
    )


@pytest.mark.parametrize("on_beam", [True, False])
def test_unreadable_images_are_skipped_if_the_config_says_so(tmp_path, caplog, on_beam):
    root = write_class_folders(tmp_path / "images", num_classes=3)
    named = "; ".join(write_damaged(root, 3))
    config = ClassFoldersConfig(root=str(root), image_size=8, unreadable="skip")
    builder = prepare(config, tmp_path / "tfds", on_beam)
    assert builder.info.splits.total_num_examples == 9
    assert f"Left out: 3 images cannot be read: {named}" in caplog.text


@pytest.mark.parametrize("beam_args", [(), ("--runner=FnApiRunner",)])
def test_a_split_without_a_readable_image_is_refused(tmp_path, beam_args):
    root = write_class_folders(tmp_path / "images", num_classes=3, images_per_class=1)
    for label in (0, 1):
        (root / f"class{label}" / "0.png").write_bytes(b"no image")
    settings = Settings(
        name="class_folders",
        root=str(root),
        image_size=8,
        train_classes=("class0",),
        validation_classes=("class1",),
        test_classes=("class2",),
        unreadable="skip",
    )
    with pytest.raises(UserError, match=r"^No image of the (train|validation) split can be read"):
        preparation.prepare(
            settings.builder(tmp_path / "tfds"), manual_dir=None, beam_args=beam_args
        )


def test_another_way_with_unreadable_images_is_refused(tmp_path):
    with pytest.raises(UserError, match=r'^unreadable="ask" is unknown: use "refuse" or'):
        ClassFoldersConfig(root=str(tmp_path), image_size=8, unreadable="ask")


def test_prepared_data_sets_keep_the_names_they_had(tmp_path):
    # Computed before there was `unreadable`.
    config = ClassFoldersConfig(root="/images", image_size=8, train_classes=("a",))
    assert config.name == "8px_71e7c71a678d876a"


@pytest.mark.slow
def test_names_that_are_not_utf8_are_read_and_written(tmp_path):
    root = write_class_folders(tmp_path / "images\udce9", num_classes=3, images_per_class=2)
    (root / "class1").rename(root / "caf\udce9")
    (root / "caf\udce9" / "0.png").rename(root / "caf\udce9" / "\udcff.png")
    builder = prepare(ClassFoldersConfig(root=str(root), image_size=8), tmp_path / "tfds")
    assert builder.info.features["label"].names == ["caf\\udce9", "class0", "class2"]
    ids = {example["id"].decode() for split in SPLITS for example in read(builder, split)}
    assert {name for name in ids if name.startswith("caf")} == {
        "caf\\udce9/1.png",
        "caf\\udce9/\\udcff.png",
    }
    (root / "caf\udce9" / "2.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"images\\udce9/caf\\udce9/2\.png: is not an image"):
        prepare(ClassFoldersConfig(root=str(root), image_size=8), tmp_path / "again")


@pytest.mark.slow
def test_train_val_and_test_are_divided_anew_by_class(tmp_path):
    root = tmp_path / "images"
    for part, classes in (("Train", 3), ("val", 3), ("test", 2)):
        write_class_folders(root / part, num_classes=classes, images_per_class=2)
    builder = prepare(ClassFoldersConfig(root=str(root), image_size=8), tmp_path / "tfds")
    ids = {split: [e["id"].decode() for e in read(builder, split)] for split in SPLITS}
    classes = {split: {name.split("/")[0] for name in ids[split]} for split in SPLITS}
    assert sorted(name for names in classes.values() for name in names) == [
        "class0",
        "class1",
        "class2",
    ]
    assert sorted(name for names in ids.values() for name in names) == sorted(
        f"class{label}/{part}/{index}.png"
        for part, count in (("Train", 3), ("val", 3), ("test", 2))
        for label in range(count)
        for index in range(2)
    )


def test_classes_may_be_called_by_numbers(tmp_path):
    root = tmp_path / "images"
    for name in "123":
        write_class_folders(root / name, num_classes=1, images_per_class=1)
        (root / name / "class0" / "0.png").rename(root / name / "0.png")
        (root / name / "class0").rmdir()
    # As a command line says them: --config.data.train_classes="(1,)"
    numbers = {"train_classes": (1,), "validation_classes": (2,), "test_classes": (3,)}
    settings = Settings(name="class_folders", root=str(root), **numbers)
    assert settings.train_classes == ("1",)
    builder = settings.builder(tmp_path / "tfds")
    assert builder.builder_config.listed_classes == {
        "train": ("1",),
        "validation": ("2",),
        "test": ("3",),
    }
    assert split_classes("123", 0, builder.builder_config.listed_classes)["test"] == ("3",)


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
        {"unreadable": "skip"},
    )
    names = {dataclasses.replace(config, **change).name for change in changes}
    assert len(names | {config.name}) == len(changes) + 1
    assert dataclasses.replace(config).name == config.name


def test_image_size_must_be_positive():
    with pytest.raises(UserError, match="image_size: is 0"):
        ClassFoldersConfig(root="images", image_size=0)
