"""Files in folders of their classes: whole or not at all, and nothing overwritten."""

import shutil

import pytest

from sib_tf.base.errors import UserError
from sib_tf.serving.predict.sorting import sort_into


@pytest.fixture
def files(tmp_path):
    (tmp_path / "query").mkdir()
    for name in "abc":
        (tmp_path / "query" / name).write_text(name)
    (tmp_path / "query/link").symlink_to("a")
    return {path.name: path for path in (tmp_path / "query").iterdir()}


@pytest.mark.parametrize("link", [False, True])
def test_files_are_copied_or_linked(files, tmp_path, link):
    by_class = {"cat": [files["a"], files["link"]], "dog": [files["b"]], "fox": []}
    sort_into(tmp_path / "new/sorted", by_class, link=link)
    found = {str(path.relative_to(tmp_path / "new")) for path in tmp_path.glob("new/**/*")}
    members = {"cat/a", "cat/link", "dog/b", "cat", "dog", "fox"}
    assert found == {"sorted", *(f"sorted/{name}" for name in members)}
    assert (tmp_path / "new/sorted/cat/link").read_text() == "a"
    assert (tmp_path / "new/sorted/dog/b").samefile(files["b"]) == link


def test_a_folder_that_exists_is_left_as_it_is(files, tmp_path):
    (tmp_path / "sorted").mkdir()
    with pytest.raises(UserError, match=r"sorted: exists.*--sort_into"):
        sort_into(tmp_path / "sorted", {"cat": [files["a"]]}, link=False)
    assert not list((tmp_path / "sorted").iterdir())


def test_on_a_full_disk_nothing_is_left_behind(files, tmp_path, monkeypatch):
    def copy(source, target):
        if source.name == "b":
            raise OSError(28, "No space left on device")
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(shutil, "copy2", copy)
    with pytest.raises(UserError, match=r"No space left on device.*make room"):
        sort_into(tmp_path / "sorted", {"cat": [files["a"], files["b"]]}, link=False)
    assert {path.name for path in tmp_path.iterdir()} == {"query"}


def test_what_a_killed_run_has_left_is_in_no_ones_way(files, tmp_path):
    (tmp_path / "sorted.part/cat").mkdir(parents=True)
    (tmp_path / "sorted.part/cat/half").touch()
    sort_into(tmp_path / "sorted", {"cat": [files["a"]]}, link=False)
    assert [path.name for path in (tmp_path / "sorted/cat").iterdir()] == ["a"]
    assert not (tmp_path / "sorted.part").exists()
