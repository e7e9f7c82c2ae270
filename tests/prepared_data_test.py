"""Class folders, once prepared, are no longer needed."""

import shutil

import numpy as np
import pytest
from PIL import Image

from configs import image_folder
from sib_tf import datasets, pipeline
from sib_tf.errors import UserError
from sib_tf.workdir import execute

CLASSES = {"train": ("a", "b"), "validation": ("c", "d"), "test": ("e", "f")}


def make_config(raw):
    config = image_folder.get_config()
    config.update(
        {
            "data_dir": str(raw),
            "way": 2,
            "queries_per_class": 1,
            "test_episodes": 3,
            "test_query_shares": ("balanced",),
            **{f"{split}_classes": names for split, names in CLASSES.items()},
        }
    )
    return config


def draw(raw):
    for shade, name in enumerate("abcdef"):
        (raw / name).mkdir(parents=True)
        for n in range(3):
            pixels = np.full((40, 40, 3), 40 * shade + n, np.uint8)
            Image.fromarray(pixels).save(raw / name / f"{n}.png")


def test_later_steps_do_without_the_raw_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "raw")
    config, work = make_config("raw"), tmp_path / "work"
    execute(pipeline.build_dataset_step(config), config, work)
    shutil.rmtree(tmp_path / "raw")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (episodes,) = pipeline.episode_steps(config, ["test"])
    assert execute(episodes, config, work)
    config.image_size = 24
    with pytest.raises(UserError, match=r"data was written with config\.image_size=32, not 24"):
        execute(episodes, config, work)


def test_a_folder_without_a_prepared_data_set_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} holds no prepared data set"):
        datasets.prepared_in(tmp_path)
