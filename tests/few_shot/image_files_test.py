"""The images of an episode as files."""

import io

import numpy as np
from PIL import Image

from sib_tf.few_shot.episodes.reader import EpisodeTable
from sib_tf.few_shot.image_files import write_episode


def test_folders_of_classes_with_long_names_have_names_that_a_disk_takes(tmp_path):
    png = io.BytesIO()
    Image.new("RGB", (2, 2)).save(png, "png")
    episodes = EpisodeTable(
        classes=np.array([[0, 1]]),
        support_ids=np.array([[0, 1]]),
        support_labels=np.array([[0, 1]]),
        query_ids=np.array([[2]]),
        query_labels=np.array([[1]]),
    )
    write_episode(
        tmp_path,
        episodes,
        encoded_images=dict.fromkeys(range(3), png.getvalue()),
        class_names=["a" * 300, "é" * 150],
        probabilities=np.ones([1, 1, 2], np.float32),
    )
    names = sorted(path.name for path in (tmp_path / "support").iterdir())
    assert names == ["0_" + "a" * 253, "1_" + "é" * 126]
