import dataclasses
import string
import warnings

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from sib_tf.serving.predict.contact_sheet import draw_contact_sheet
from sib_tf.serving.predict.image_task import ImageTask

SIZE = 8


def one_shot_task(folder, class_names, num_query):
    way = len(class_names)
    return ImageTask(
        class_names=class_names,
        support_images=np.zeros((way, SIZE, SIZE, 3), np.uint8),
        support_labels=np.arange(way, dtype=np.int32),
        query_files=tuple(folder / f"{index}.png" for index in range(num_query)),
        query_images=np.zeros((num_query, SIZE, SIZE, 3), np.uint8),
        readable=np.ones(num_query, bool),
    )


def test_contact_sheet_counts_what_it_leaves_out(tmp_path):
    num_query = 150
    task = one_shot_task(tmp_path, ("a", "b"), num_query)
    probabilities = np.tile(np.float32([0.9, 0.1]), (num_query, 1))
    (axes,) = draw_contact_sheet(task, probabilities).axes
    texts = [text.get_text() for text in axes.texts]
    assert "150 images, the 100 most probable" in texts
    assert "no image" in texts
    assert texts.count("0.90") == 100


def test_names_of_classes_stay_in_their_column(tmp_path):
    class_names = ("U+0539_ARMENIAN_CAPITAL_LETTER_TO", string.ascii_uppercase * 3, "M m" * 30, "a")
    task = one_shot_task(tmp_path, class_names, num_query=4)
    figure = draw_contact_sheet(task, np.eye(4, dtype=np.float32))
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = {text.get_text(): text for text in figure.axes[0].texts}
    assert "Armenian capital\nto" in texts
    right = {name: text.get_window_extent(renderer).x1 for name, text in texts.items()}
    left_of_queries = texts["Query by predicted class"].get_window_extent(renderer).x0
    names = [name for name, text in texts.items() if text.get_fontsize() == 10]
    assert len(names) == 4
    assert all(right[name] < left_of_queries for name in names)


def test_names_that_no_font_can_write_become_numbers(tmp_path):
    private = "\U000f0000"  # a character of private use, in no font
    task = one_shot_task(tmp_path, ("a", f"b {private}"), num_query=3)
    files = (tmp_path / "0.png", tmp_path / "damaged.png", tmp_path / f"{private}.png")
    task = dataclasses.replace(
        task,
        query_files=files,
        query_images=task.query_images[:2],
        readable=np.array([True, False, True]),
    )
    figure = draw_contact_sheet(task, np.eye(2, dtype=np.float32))
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {"a", "class 2", "0.png", "file 3"} <= texts
    with warnings.catch_warnings(action="error"):
        FigureCanvasAgg(figure).draw()
