import json
from pathlib import Path

import pytest

from sib_tf.base.atomic import write_json, written_file, written_whole
from sib_tf.base.errors import UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_gets_its_name_only_when_complete(tmp_path):
    path = tmp_path / "sheet.png"
    path.write_text("old")
    with written_file(path) as file:
        file.write_text("half")
        assert path.read_text() == "old"
        assert file.parent == tmp_path
        assert file.suffix == ".png"
    assert path.read_text() == "half"
    assert names(tmp_path) == ["sheet.png"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("begun", [False, True])
def test_a_failed_write_keeps_the_old_file(tmp_path, error, begun):
    path = tmp_path / "best.npz"
    path.write_text("old")
    with pytest.raises(error), written_file(path) as file:
        if begun:
            file.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["best.npz"]


def test_unserializable_json_keeps_the_old_file(tmp_path):
    path = tmp_path / "step.json"
    write_json(path, {"a": [1]})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": [1]}
    assert names(tmp_path) == ["step.json"]


def test_a_folder_gets_its_name_only_when_complete(tmp_path):
    with written_whole(tmp_path / "out") as folder:
        (folder / "file").write_text("x")
        assert not (tmp_path / "out").exists()
    assert names(tmp_path) == ["out"]
    with pytest.raises(UserError, match="out exists: delete it first"):
        written_whole(tmp_path / "out").__enter__()


def test_a_failed_write_of_a_folder_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), written_whole(tmp_path / "out"):
        raise KeyError
    assert names(tmp_path) == []
