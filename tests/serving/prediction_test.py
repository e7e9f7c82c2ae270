import csv
import dataclasses
import html
import os
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.serving.exported_model import Answers, ExportedModel
from sib_tf.serving.predict import findings, gallery
from sib_tf.serving.predict.prediction import (
    PAGE_FILE,
    PREDICTIONS_FILE,
    Options,
    classify_folder,
)
from sib_tf.serving.predict.reading import Images
from tests.serving import nearest_mean

SIZE = 8
COLOURS = {"blue $x$": (20, 20, 230), "green": (20, 230, 20), "red": (230, 20, 20)}


@pytest.fixture(scope="module")
def any_way(tmp_path_factory):
    folder = nearest_mean.save(
        tmp_path_factory.mktemp("any_way") / "1", size=SIZE, num_classes=None
    )
    return ExportedModel(folder.parent)


@pytest.fixture(scope="module")
def three_way_folder(tmp_path_factory):
    return nearest_mean.save(tmp_path_factory.mktemp("three_way") / "1", size=SIZE, num_classes=3)


@pytest.fixture(scope="module")
def three_way(three_way_folder):
    return ExportedModel(three_way_folder)


def write_image(path, colour, seed):
    noise = np.random.default_rng(seed).integers(-20, 21, (12, 12, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.array(colour) + noise).astype(np.uint8)).save(path)


@pytest.fixture
def support(tmp_path):
    folder = tmp_path / "support"
    for shots, (name, colour) in enumerate(COLOURS.items(), start=1):
        for shot in range(shots):
            write_image(folder / name / f"{shot}.png", colour, seed=shot)
    return folder


@pytest.fixture
def query(tmp_path):
    folder = tmp_path / "query"
    for name, colour in COLOURS.items():
        for index in range(2):
            write_image(folder / f"{name} {index}.png", colour, seed=10 + index)
    return folder


def counts(outcome):
    """How many files were classified, and how many could not be read."""
    return len(outcome.task.query_files), outcome.unreadable


def read_rows(output):
    with (output / PREDICTIONS_FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("model", ["any_way", "three_way"])
def test_images_are_classified(model, support, query, tmp_path, request):
    output = tmp_path / "output"
    outcome = classify_folder(request.getfixturevalue(model), support, query, output)
    assert counts(outcome) == (6, 0)
    rows = read_rows(output)
    assert [row["file"] for row in rows] == sorted(path.name for path in query.iterdir())
    for row in rows:
        assert row["status"] == "ok"
        assert row["label"] == row["file"][: -len(" 0.png")]
        probabilities = {name: float(row[f"p({name})"]) for name in COLOURS}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert max(probabilities, key=probabilities.get) == row["label"]


def test_the_table_has_the_answer_its_margin_and_the_answer_at_k_0(
    any_way, support, query, tmp_path
):
    outcome = classify_folder(any_way, support, query, tmp_path / "output")
    for number, row in enumerate(read_rows(tmp_path / "output")):
        second, first = sorted(float(row[f"p({name})"]) for name in COLOURS)[1:]
        assert float(row["probability"]) == first
        assert float(row["margin"]) == pytest.approx(first - second, abs=2e-6)
        inductive = outcome.answers.inductive_probabilities[number]
        assert row["label_k0"] == sorted(COLOURS)[inductive.argmax()]
        assert float(row["probability_k0"]) == pytest.approx(inductive.max(), abs=1e-6)
        assert first > inductive.max() + 0.1


def test_without_steps_the_answers_are_those_of_k_0(any_way, support, query, tmp_path):
    options = Options(take_steps=False)
    classify_folder(any_way, support, query, tmp_path / "output", options)
    for row in read_rows(tmp_path / "output"):
        assert (row["label"], row["probability"]) == (row["label_k0"], row["probability_k0"])


class Misled:
    """A model whose steps turn every answer into the least probable one."""

    def __init__(self, model):
        self.image_size, self.num_classes = model.image_size, model.num_classes
        self.features, self._model = model.features, model

    def classify_features(self, *task):
        answers = self._model.classify_features(*task)
        return Answers((1 - answers.probabilities) / 2, answers.inductive_probabilities)


def label_more(support, shots=2):
    for name, colour in COLOURS.items():
        for shot in range(shots):
            write_image(support / name / f"more {shot}.png", colour, seed=50 + shot)


def test_steps_that_do_harm_to_labelled_images_are_left_out(any_way, support, query, tmp_path):
    label_more(support)
    outcome = classify_folder(Misled(any_way), support, query, tmp_path / "output")
    assert not outcome.takes_steps
    assert [row["label"] for row in read_rows(tmp_path / "output")] == [
        row["file"][: -len(" 0.png")] for row in read_rows(tmp_path / "output")
    ]
    expected, *warned = findings.lines(outcome)
    # 12 of 12: from 12 / (12 + 1.96**2) to 1
    assert expected.startswith("Expect 100.0 % (95 % interval 75.7 to 100.0 %) of the labels")
    assert "Mind: The synthetic steps are left out" in warned[0]
    assert "they make 0.0 % right instead of 100.0 %" in warned[0]


def test_the_accuracy_to_expect_needs_two_labelled_images_of_each_class(
    any_way, support, query, tmp_path
):
    outcome = classify_folder(any_way, support, query, tmp_path / "output")
    assert outcome.expectation is None
    assert findings.expected(outcome) == [
        "What accuracy to expect is not known: there is a single labelled image of blue $x$; add "
        "a second."
    ]


def test_a_class_without_a_file_and_labelled_images_of_the_same_are_warned_of(
    any_way, support, query, tmp_path
):
    for file in query.glob("red*"):
        file.unlink()
    shutil.copy(support / "red/0.png", support / "red/copy.png")
    outcome = classify_folder(any_way, support, query, tmp_path / "output")
    # The colours of a class are so alike that all its images count as one.
    assert (support / "red/0.png", support / "red/copy.png") in outcome.near_duplicates
    warned = findings.warnings(outcome)
    assert "No image is put into red: if there are some, label more of them." in warned
    assert [line for line in warned if line.startswith("Nearly the same: green/0.png and green/1")]
    page = (tmp_path / "output" / PAGE_FILE).read_text()
    assert all(html.escape(line[:40]) in page for line in warned)


def test_nobody_who_labels_nothing_is_told_to_label_more(any_way, support, query, tmp_path):
    outcome = classify_folder(any_way, support, query, tmp_path / "output")
    none = Images(np.zeros(6, bool), outcome.task.support.kept[:0], [])
    unlabelled = dataclasses.replace(
        outcome,
        task=dataclasses.replace(outcome.task, support=none),
        answers=Answers(*(probabilities * [1, 1, 0] for probabilities in outcome.answers)),
        near_duplicates=(),
    )
    assert findings.warnings(unlabelled) == [
        "No image is put into red: if there are some, the model misses them."
    ]


def test_labelled_images_of_the_same_in_two_parts_are_told_apart(any_way, support, query, tmp_path):
    for part in ("train", "val"):
        shutil.copytree(support, tmp_path / "parts" / part)
    outcome = classify_folder(any_way, tmp_path / "parts", query, tmp_path / "output")
    (line,) = (line for line in findings.warnings(outcome) if line.startswith("Nearly the same"))
    assert "train/blue $x$/0.png and val/blue $x$/0.png" in line


@pytest.fixture
def sorted_by_hand(query, tmp_path):
    for file in query.iterdir():
        target = tmp_path / "truth" / file.name[: -len(" 0.png")] / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(file)
    return tmp_path / "truth"


def test_the_accuracy_is_measured_by_the_truth(any_way, support, query, sorted_by_hand, tmp_path):
    (sorted_by_hand / "red/red 0.png").rename(sorted_by_hand / "green/red 0.png")
    options = Options(truth=sorted_by_hand)
    outcome = classify_folder(any_way, support, query, tmp_path / "output", options)
    # 5 of 6: (5 + 1.9208 -+ 1.96 sqrt(5 / 6 + 0.9604)) / 9.8416
    (line,) = findings.measured(outcome)
    assert line.startswith("By the truth, 83.3 % (95 % interval 43.6 to 97.0 %) of the labels of 6")
    assert "| green | 0 | 2 | 1 |" in "\n".join(findings.lines(outcome))
    page = (tmp_path / "output" / PAGE_FILE).read_text()
    assert page.count('<span class="wrong">truth: green</span>') == 1


def test_a_file_that_is_no_image_needs_no_truth_and_is_told_once(
    any_way, support, query, sorted_by_hand, tmp_path, caplog
):
    (query / "notes.txt").write_text("no image")
    options = Options(truth=sorted_by_hand)
    outcome = classify_folder(any_way, support, query, tmp_path / "output", options)
    assert outcome.unreadable == 1
    (warning,) = [text for text in caplog.messages if "notes.txt" in text]
    assert warning.startswith("Skipped: ")


def test_the_truth_changes_no_answer(any_way, support, query, sorted_by_hand, tmp_path):
    label_more(support)
    names = sorted(COLOURS)
    for number, name in enumerate(names):  # each class gets the name of the next
        (sorted_by_hand / name).rename(sorted_by_hand / f"{number}")
    for number in range(3):
        (sorted_by_hand / f"{number}").rename(sorted_by_hand / names[(number + 1) % 3])
    classify_folder(any_way, support, query, tmp_path / "plain")
    wrong = Options(truth=sorted_by_hand)
    outcome = classify_folder(any_way, support, query, tmp_path / "told", wrong)
    assert "0.0 %" in findings.measured(outcome)[0]
    assert read_rows(tmp_path / "told") == read_rows(tmp_path / "plain")


def test_a_missing_truth_is_found_before_any_image_is_read(support, query, tmp_path):
    class Untouched:
        image_size, num_classes = (SIZE, SIZE), None

    (tmp_path / "truth/red").mkdir(parents=True)
    with pytest.raises(UserError, match=r"truth: has no .*\.png in a class folder"):
        options = Options(truth=tmp_path / "truth")
        classify_folder(Untouched(), support, query, tmp_path / "output", options)


def test_files_are_sorted_but_for_the_unreadable(any_way, support, query, tmp_path):
    (query / "damaged.png").write_bytes(b"no image")
    options = Options(sort_into=tmp_path / "sorted")
    classify_folder(any_way, support, query, tmp_path / "output", options)
    found = {str(path.relative_to(options.sort_into)) for path in options.sort_into.glob("*/*")}
    assert found == {f"{name}/{name} {index}.png" for name in COLOURS for index in range(2)}


def test_the_page_shows_all_images_the_least_certain_first(any_way, support, query, tmp_path):
    write_image(query / "red <&> 9.png", (200, 90, 60), seed=1)
    outcome = classify_folder(any_way, support, query, tmp_path / "output")
    page = (tmp_path / "output" / PAGE_FILE).read_text()
    shown = re.findall(r'<img loading="lazy" alt="([^"]*)" src="(thumbnails/\w+\.jpg)"', page)
    files = [*(path.name for path in outcome.task.support_files), *outcome.task.query_files]
    assert len(shown) == len(files) == 13
    for _, source in shown:
        with Image.open(tmp_path / "output" / source) as thumbnail:
            assert thumbnail.size == (12, 12)
    last = [name for name, _ in shown[-6:]]
    assert last == ["0.png", "1.png", "2.png", "red &lt;&amp;&gt; 9.png", *last[4:]]
    assert set(last[4:]) == {"red 0.png", "red 1.png"}
    assert "<script" not in page
    assert "http" not in page


def test_a_second_run_leaves_no_thumbnails_of_the_first(any_way, support, query, tmp_path):
    classify_folder(any_way, support, query, tmp_path / "output")
    for file in query.glob("red*"):
        file.unlink()
    outcome = classify_folder(any_way, support, query, tmp_path / "output")
    shown = {*outcome.task.support.thumbnails, *outcome.task.query.thumbnails}
    found = (tmp_path / "output/thumbnails").iterdir()
    assert {path.read_bytes() for path in found} == shown


def test_a_name_that_is_no_utf_8_is_written_with_escapes(any_way, support, query, tmp_path):
    (query / "red 0.png").rename(query / os.fsdecode(b"caf\xe9.png"))
    options = Options(sort_into=tmp_path / "sorted")
    classify_folder(any_way, support, query, tmp_path / "output", options)
    assert r"caf\udce9.png" in [row["file"] for row in read_rows(tmp_path / "output")]
    assert r"caf\udce9.png" in (tmp_path / "output" / PAGE_FILE).read_text(encoding="utf-8")
    assert (tmp_path / "sorted/red" / os.fsdecode(b"caf\xe9.png")).exists()


def test_output_is_complete_and_nothing_else(any_way, support, query, tmp_path):
    output = tmp_path / "output"
    classify_folder(any_way, support, query, output)
    assert {path.name for path in output.iterdir()} == {PREDICTIONS_FILE, PAGE_FILE, "thumbnails"}


def test_without_a_page_there_are_no_predictions(any_way, support, query, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(gallery, "write", fail)
    with pytest.raises(UserError, match=r"predictions.html.*No space left.*--output"):
        classify_folder(any_way, support, query, tmp_path / "output")
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["thumbnails"]


def test_newest_version_is_taken(three_way_folder, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "10").symlink_to(three_way_folder)
    (tmp_path / "export" / "9").mkdir()
    assert ExportedModel(tmp_path / "export").num_classes == 3


def test_unreadable_images_are_skipped_by_name(any_way, support, query, tmp_path, caplog):
    (query / "damaged.png").write_bytes(b"no image")
    (support / "red" / "broken.png").write_bytes(b"no image")
    assert counts(classify_folder(any_way, support, query, tmp_path / "output")) == (6, 1)
    row = next(row for row in read_rows(tmp_path / "output") if row["file"] == "damaged.png")
    assert row["status"] == "unreadable"
    assert row["label"] == row["p(red)"] == ""
    assert "damaged.png" in caplog.text
    assert "broken.png" in caplog.text


def test_query_images_are_recognised_by_content_and_no_file_is_ignored(
    any_way, support, query, tmp_path, caplog
):
    (query / "red 0.png").rename(query / "red without extension")
    (query / "red 1.png").rename(query / "red 1.heic")
    (query / "phone.heic").write_bytes(b"\0\0\0\x24ftypheic")
    (query / ".hidden").write_bytes(b"no image")
    assert counts(classify_folder(any_way, support, query, tmp_path / "output")) == (6, 1)
    rows = {row["file"]: row for row in read_rows(tmp_path / "output")}
    assert len(rows) == 7
    assert rows["red without extension"]["label"] == rows["red 1.heic"]["label"] == "red"
    assert rows["phone.heic"]["status"] == "unreadable"
    assert f"Skipped: {query / 'phone.heic'}: " in caplog.text


def test_support_images_are_recognised_by_content_and_others_are_counted(
    any_way, support, query, tmp_path, caplog
):
    (support / "red" / "0.png").rename(support / "red" / "0.photo")
    (support / "red" / "notes.txt").touch()
    (support / "green" / "link.png").symlink_to(support / "absent.png")
    classify_folder(any_way, support, query, tmp_path / "output")
    assert caplog.messages == [
        f"{support}: left out what is a link to nothing: 1 (green/link.png); what is not an "
        "image: 1 (red/notes.txt)"
    ]


def test_names_that_are_not_utf8_are_written_legibly(any_way, support, query, tmp_path):
    (support / "red").rename(support / os.fsdecode(b"r\xe9d"))
    (query / "red 0.png").rename(query / os.fsdecode(b"r\xe9d 0.png"))
    classify_folder(any_way, support, query, tmp_path / "output")
    rows = {row["file"]: row for row in read_rows(tmp_path / "output")}
    assert rows["r\\udce9d 0.png"]["label"] == rows["red 1.png"]["label"] == "r\\udce9d"
    assert "p(r\\udce9d)" in rows["red 1.png"]


def test_links_to_nothing_in_the_query_are_told(any_way, support, query, tmp_path):
    (query / "link.png").symlink_to(query / "absent.png")
    assert counts(classify_folder(any_way, support, query, tmp_path / "output")) == (6, 1)
    rows = {row["file"]: row["status"] for row in read_rows(tmp_path / "output")}
    assert rows["link.png"] == "unreadable"


def test_folders_in_the_query_are_logged_as_skipped(any_way, support, query, tmp_path, caplog):
    write_image(query / "more" / "0.png", COLOURS["red"], seed=0)
    assert counts(classify_folder(any_way, support, query, tmp_path / "output")) == (6, 0)
    assert f"Skipped: {query / 'more'}: is a folder" in caplog.text


def test_a_single_class_is_refused(any_way, support, query, tmp_path):
    for name in ("green", "red"):
        shutil.rmtree(support / name)
    with pytest.raises(UserError, match="has one class folder only; add those of the other"):
        classify_folder(any_way, support, query, tmp_path / "output")


def test_query_may_be_a_single_image(any_way, support, tmp_path):
    write_image(tmp_path / "query" / "a.png", COLOURS["red"], seed=0)
    classify_folder(any_way, support, tmp_path / "query", tmp_path / "output")
    assert [row["label"] for row in read_rows(tmp_path / "output")] == ["red"]


def test_number_of_classes_must_fit_the_model(three_way, support, query, tmp_path):
    write_image(support / "yellow" / "0.png", (230, 230, 20), seed=0)
    with pytest.raises(UserError, match=r"4 class folders but .* 3 classes .*photographs`$"):
        classify_folder(three_way, support, query, tmp_path / "output")
    assert not (tmp_path / "output").exists()


def test_class_without_readable_support_is_refused(any_way, support, query, tmp_path):
    (support / "blue $x$" / "0.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"blue \$x\$: none of the images can be read"):
        classify_folder(any_way, support, query, tmp_path / "output")


@pytest.mark.parametrize("content", [None, b"no image"])
def test_query_without_readable_image_is_refused(any_way, support, tmp_path, content):
    (tmp_path / "query").mkdir()
    if content is not None:
        (tmp_path / "query" / "a.png").write_bytes(content)
    with pytest.raises(UserError, match="query: has no image that can be read"):
        classify_folder(any_way, support, tmp_path / "query", tmp_path / "output")


def test_model_folder_must_exist(tmp_path):
    with pytest.raises(UserError, match="no such model folder"):
        ExportedModel(tmp_path / "absent")


def test_model_folder_must_hold_a_model(support):
    with pytest.raises(UserError, match="neither a SavedModel nor numbered versions"):
        ExportedModel(support)


def test_damaged_model_is_named(tmp_path):
    version = tmp_path / "export" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(UserError, match=f"^{version}: cannot be loaded") as caught:
        ExportedModel(version.parent)
    assert "\n" not in str(caught.value)


def test_model_of_another_signature_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "export" / "1"))
    with pytest.raises(UserError, match="cannot be loaded as an exported model"):
        ExportedModel(tmp_path / "export")
