"""`configs/tfds.py` on a data set of TFDS that this project does not know."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from configs import image_folder
from configs import tfds as any_of_tfds
from sib_tf.base.errors import UserError
from sib_tf.datasets import prepared, sources
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute


class Noise(tfds.core.GeneratorBasedBuilder):
    """Noise of 15 classes, or of fewer or with fewer images."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [  # noqa: RUF012 (TFDS' convention)
        tfds.core.BuilderConfig(name=name) for name in ("enough", "few_classes", "few_images")
    ]

    def _info(self):
        classes = 14 if self.builder_config.name == "few_classes" else 15
        features = {
            "image": tfds.features.Image(shape=(8, 8, 3)),
            "label": tfds.features.ClassLabel(num_classes=classes),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        images = 8 if self.builder_config.name == "few_images" else 9
        return {
            "train": self._generate_examples(range(4)),
            "x": self._generate_examples(range(4, images)),
        }

    def _generate_examples(self, numbers):
        rng = np.random.default_rng(0)
        for label in range(self.info.features["label"].num_classes):
            for n in numbers:
                image = rng.integers(0, 256, (8, 8, 3), np.uint8)
                yield f"{label}/{n}", {"image": image, "label": label}


def config_of(name, data_dir):
    config = any_of_tfds.get_config(name)
    config.data.data_dir = str(data_dir)
    config.phi.crop_size = 32  # quicker than the backbone's own
    return config


def prepare(name, tmp_path):
    config = config_of(name, tmp_path / "tfds")
    (build,) = families.steps_of(config, "build_dataset")
    execute(build, families.read(config), tmp_path / "work")


@pytest.mark.slow
def test_fifteen_classes_of_9_images_in_all_splits_suffice(tmp_path):
    prepare("noise/enough:1.0.0", tmp_path)
    builder = prepared.builder_of(prepared.prepared_in(tmp_path / "work/data"))
    labels = {split: prepared.read_labels(builder, split) for split in prepared.SPLITS}
    assert [np.unique(each, return_counts=True)[1].tolist() for each in labels.values()] == [
        [9] * 5
    ] * 3
    assert len(set(np.concatenate([*labels.values()]))) == 15


def test_one_class_less_is_refused_before_anything_is_prepared(tmp_path):
    words = (
        r"^14 classes are divided into 6 for train, 4 for validation, 4 for test; episodes need 5 "
        r"for train, 5 for validation, 5 for test, at least 15 classes in all"
    )
    with pytest.raises(UserError, match=words):
        prepare("noise/few_classes", tmp_path)
    assert not (tmp_path / "tfds").exists()


@pytest.mark.slow
def test_one_image_less_is_refused(tmp_path):
    words = r'^Class "\d+" of the \w+ split has 8 images .*, an episode needs 9 of each class'
    with pytest.raises(UserError, match=words):
        prepare("noise/few_images", tmp_path)


def test_the_head_and_the_images_are_those_of_an_image_folder(tmp_path):
    ours = any_of_tfds.get_config("noise/enough")
    other = image_folder.get_config()
    for section in ("phi", "features", "episodes", "meta", "eval"):
        assert ours[section] == other[section]
    checked = families.read(ours)
    assert checked.data.image_size == 160
    assert sources.title(checked.data) == "noise/enough"
    assert sources.title(families.read(other).data) == "class_folders"
