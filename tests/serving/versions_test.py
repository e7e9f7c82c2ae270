"""Versions of a model in the folder that a server polls."""

import shutil
from types import SimpleNamespace

import pytest

from sib_tf.base.errors import UserError
from sib_tf.serving import versions


def saved_model(folder, content):
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
    (folder / "variables" / "data").write_text(content)
    return folder


def test_versions_count_up_past_gaps_and_other_folders(tmp_path):
    model, folder = saved_model(tmp_path / "model", "a"), tmp_path / "served" / "name"
    assert versions.publish(model, folder) == folder / "1"
    (folder / "9").mkdir()
    (folder / "old").mkdir()
    assert versions.publish(model, folder) == folder / "10"
    assert (folder / "10" / "variables" / "data").read_text() == "a"
    assert versions.newest(folder) == folder / "10", "9 < 10, though not as text"


def test_a_version_gets_its_number_only_when_complete(tmp_path, monkeypatch):
    """Looks at the folder as a server would, during a copy and after it was killed."""
    model, folder = saved_model(tmp_path / "model", "a"), tmp_path / "served"
    versions.publish(model, folder)
    seen = []

    def interrupted(source, target):
        shutil.copytree(source, target)
        seen.extend(path.name for path in folder.iterdir() if path.name.isdecimal())
        raise KeyboardInterrupt

    stand_in = SimpleNamespace(copytree=interrupted, rmtree=shutil.rmtree)
    monkeypatch.setattr(versions, "shutil", stand_in)
    with pytest.raises(KeyboardInterrupt):
        versions.publish(model, folder)
    assert seen == ["1"]
    monkeypatch.undo()
    assert versions.newest(folder) == folder / "1"
    saved_model(folder / "5", "b")  # so that the next number is not the interrupted one
    assert versions.publish(model, folder) == folder / "6"
    assert sorted(path.name for path in folder.iterdir()) == ["1", "5", "6"]


def test_a_model_or_its_versions_are_found(tmp_path):
    model = saved_model(tmp_path / "model", "a")
    assert versions.newest(model) == model
    with pytest.raises(UserError, match="absent: no such model folder"):
        versions.newest(tmp_path / "absent")
    with pytest.raises(UserError, match="neither a SavedModel nor numbered versions"):
        versions.newest(tmp_path)
