import numpy as np

from sib_tf.contact_sheet import draw_contact_sheet
from sib_tf.image_episode import Episode

SIZE = 8


def test_contact_sheet_counts_what_it_leaves_out(tmp_path):
    num_query = 150
    episode = Episode(
        class_names=("a", "b"),
        support_images=np.zeros((2, SIZE, SIZE, 3), np.uint8),
        support_labels=np.arange(2, dtype=np.int32),
        query_files=tuple(tmp_path / f"{index}.png" for index in range(num_query)),
        query_images=np.zeros((num_query, SIZE, SIZE, 3), np.uint8),
        readable=np.ones(num_query, bool),
    )
    probabilities = np.tile(np.float32([0.9, 0.1]), (num_query, 1))
    (axes,) = draw_contact_sheet(episode, probabilities).axes
    texts = [text.get_text() for text in axes.texts]
    assert "150 images, the 100 most probable" in texts
    assert "no image" in texts
    assert texts.count("0.90") == 100
