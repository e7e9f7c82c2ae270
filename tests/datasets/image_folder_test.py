"""The smallest folder of class folders that `configs/image_folder.py` accepts."""

import numpy as np
import pytest
from PIL import Image

from configs import glyphs, image_folder
from sib_tf.base.errors import UserError
from sib_tf.experiments import families
from sib_tf.experiments.execution import execute


def write_classes(folder, images):
    """Writes a folder of noise images per class; `images` gives their numbers."""
    rng = np.random.default_rng(0)
    for label, count in enumerate(images):
        path = folder / f"class{label:02d}"
        path.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(path / f"{i}.png")
    return folder


def prepare(tmp_path, images):
    """Runs the first steps of the pipeline: the data set and all sets of episodes."""
    config = image_folder.get_config()
    config.data.root = str(write_classes(tmp_path / "images", images))
    config.phi.crop_size = 32  # quicker than the backbone's own
    config.meta.train_episodes = config.meta.validation_episodes = config.eval.episodes = 10
    steps, checked = families.steps(config), families.read(config)
    pretrain = [step.name for step in steps].index("pretrain")
    for step in steps[:pretrain]:
        execute(step, checked, tmp_path / "work")
    return checked, steps[pretrain]


@pytest.mark.slow
def test_fifteen_classes_of_9_images_suffice(tmp_path):
    prepare(tmp_path, [9] * 15)
    assert len(list((tmp_path / "work/episodes").glob("*/step.json"))) == 4


@pytest.mark.slow
def test_one_image_less_is_refused_before_pretraining(tmp_path):
    # One shot, and half as many queries again as the five of an even share.
    remedy = r"has 8 images.* needs 9 .*lower config\.episodes\.shot or .*`make photographs`"
    with pytest.raises(UserError, match=rf'^Class "class\d\d" of the \w+ split {remedy}'):
        prepare(tmp_path, [8] * 15)


@pytest.mark.slow
def test_one_class_less_is_refused_before_pretraining(tmp_path):
    words = (
        r"^14 classes are divided into 6 for train, 4 for validation, 4 for test; episodes need 5 "
        r"for train, 5 for validation, 5 for test, at least 15 classes in all: add classes, or "
        r"lower config\.episodes\.way, config\.meta\.ways and .*`make photographs` .*jobs\.predict`"
    )
    with pytest.raises(UserError, match=words):
        prepare(tmp_path, [9] * 14)
    # With another class it works: the refused data set was not kept.
    prepare(tmp_path, [9] * 15)


def test_images_are_as_large_as_what_the_backbone_was_made_for():
    config = image_folder.get_config()
    checked = families.read(config)
    assert (checked.phi.crop_size, checked.data.image_size) == (160, 160)
    assert checked.record(["data.image_size"]) == {"data": {"image_size": 160}}
    config.phi.backbone, config.phi.crop_size = "keras_applications/Xception", 0
    assert families.read(config).data.image_size == 299
    config.data.image_size = 320
    assert families.read(config).data.image_size == 320


def test_a_crop_larger_than_the_images_is_refused_before_they_are_read(tmp_path):
    config = glyphs.get_config("tiny")
    config.phi.crop_size = 33
    (build,) = families.steps_of(config, "build_dataset")
    with pytest.raises(UserError, match=r"crop_size=33 is more than the 32 pixels of the images"):
        execute(build, families.read(config), tmp_path)
    assert not (tmp_path / "data").exists()
