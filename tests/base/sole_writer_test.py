"""The lock of a folder: exclusive among processes, released with its holder, leaving no file."""

import fcntl
import subprocess
import sys

import pytest

from sib_tf.base.errors import UserError
from sib_tf.base.sole_writer import sole_writer

HOLD = """
import pathlib, sys, time
from sib_tf.base.sole_writer import sole_writer
with sole_writer(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_another_process_is_refused_until_the_first_is_killed(tmp_path):
    folder = tmp_path / "new" / "model"
    with subprocess.Popen([sys.executable, "-c", HOLD, folder], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(UserError, match=r"Another process is writing .*new/model: wait for it"),
            sole_writer(folder),
        ):
            pass
        with sole_writer(tmp_path / "new" / "data"):
            pass
        holder.kill()
    with sole_writer(folder):
        pass
    assert not list(folder.parent.iterdir())


def test_the_lock_file_is_removed_when_the_block_raises(tmp_path):
    with pytest.raises(ZeroDivisionError), sole_writer(tmp_path / "model"):
        assert [p.name for p in tmp_path.iterdir()] == [".model.lock"]
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_a_lock_on_a_deleted_file_does_not_count(tmp_path, monkeypatch):
    path, flock = tmp_path / ".model.lock", fcntl.flock

    def unlinked_meanwhile(descriptor, operation):
        path.unlink()
        path.touch()
        flock(descriptor, operation)

    monkeypatch.setattr("fcntl.flock", unlinked_meanwhile)
    with pytest.raises(UserError, match="Another process"), sole_writer(tmp_path / "model"):
        pass
